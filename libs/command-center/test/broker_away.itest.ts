import { randomUUID } from 'node:crypto';
import { declareExchanges, EXCHANGE } from '@warren/rabbit';
import { bySize, type PrivateServers, privateServers, type TestBroker } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kit, leaveMark, pause, type RawChannel, type TestService, touch, until, WORK } from './kit.ts';

const QUEUE = 'allocator.commands';
const CONSUMER_TIMEOUT_MS = bySize({ short: 2_000, full: 60_000 });
/** How often the broker looks for deliveries that are too old: a minute unless told. */
const TICK_MS = bySize({ short: 500, full: 5_000 });
const BACK_MS = 60_000;

let servers: PrivateServers;
let broker: TestBroker;
let kit: Kit;
let service: TestService;
let raw: RawChannel;

beforeAll(async () => {
  servers = await privateServers();
  [kit, broker] = await Promise.all([
    Kit.open(),
    servers.rabbit({ configuration: [`consumer_timeout = ${CONSUMER_TIMEOUT_MS}`] }),
  ]);
  await declareExchanges(broker.url);
  await broker.erlang(`application:set_env(rabbit, channel_tick_interval, ${TICK_MS}).`);
  service = await kit.service({ url: broker.url, commandProcessingTimeoutMs: 120_000 });
  ({ raw } = await kit.caller('coordinator', broker.url));
});

afterAll(async () => {
  await kit.close();
  await servers.destroy();
});

const send = (how: string, text: string): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text }), {
    type: 'allocator.do_work@1',
    messageId: randomUUID(),
  });

/** How often a command ended so: `done`, `busy` … */
async function endings(outcome: string): Promise<number> {
  const text = await service.metrics.render();
  const line = text.split('\n').find((one) => one.startsWith('warren_commands_total') && one.includes(`"${outcome}"`));
  return Number(line?.slice(line.lastIndexOf(' ') + 1) ?? 0);
}

const listening = (): boolean => service.listeners.every(({ problem }) => problem === undefined);

test('the broker takes back a message that is under work for too long: it has one run and one effect, and does not go round', {
  timeout: CONSUMER_TIMEOUT_MS * 4 + 60_000,
}, async () => {
  let runs = 0;
  kit.works.set('long', async (dto, context) => {
    runs++;
    await leaveMark(context, dto.text);
    // in steps, because Postgres ends a transaction that is idle for too long
    for (let left = CONSUMER_TIMEOUT_MS + 3 * TICK_MS; left > 0; left -= 1_000) {
      await pause(1_000);
      await touch(context);
    }
    return { done: dto.text };
  });
  const recoveries = async (): Promise<boolean> =>
    /recoveries_total\{[^}]*allocator\.commands[^}]*\} 1/.test(await service.metrics.render());
  await send('long', 'long');
  await until(recoveries, CONSUMER_TIMEOUT_MS * 2 + 20_000);
  await until(async () => (await kit.marks()).length === 1, CONSUMER_TIMEOUT_MS + 20_000);
  await until(async () => (await endings('done')) === 2, 20_000);
  const busy = await endings('busy');
  expect(busy).toBeGreaterThan(0);
  await pause(2_500);
  expect([await endings('done'), await endings('busy'), await endings('retry')]).toEqual([2, busy, 0]);
  expect(runs).toBe(1);
  expect(await kit.marks()).toEqual(['long']);
  expect([await raw.ready(QUEUE), await raw.ready('allocator.dead')]).toEqual([0, 0]);
});

test('the broker stops while a command is under work: the ack is lost, the message comes again, and its effect is one', {
  timeout: 180_000,
}, async () => {
  let runs = 0;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  kit.works.set('gated', async (dto, context) => {
    runs++;
    await leaveMark(context, dto.text);
    await gate;
    return { done: dto.text };
  });
  await broker.writeDown();
  const done = await endings('done');
  await send('gated', 'gated');
  await until(() => runs === 1);
  await broker.stop();
  open();
  await until(async () => (await kit.marks()).includes('gated'));
  expect(await service.metrics.render()).toMatch(/warren_rabbit_settles_total\{[^}]*stale[^}]*\} [1-9]/);
  broker = await servers.rabbit({ configuration: [] });
  await until(listening, BACK_MS);
  await until(async () => (await endings('done')) === done + 2, BACK_MS);
  expect(runs).toBe(1);
  expect((await kit.marks()).filter((mark) => mark === 'gated')).toEqual(['gated']);
  const { raw: again } = await kit.caller('coordinator', broker.url);
  expect([await again.ready(QUEUE), await again.ready('allocator.dead')]).toEqual([0, 0]);
  await service.stop();
  // what was not acked would be back by now
  expect(await again.ready(QUEUE)).toBe(0);
});
