import { randomUUID } from 'node:crypto';
import { EXCHANGE } from '@warren/rabbit';
import type { FaultProxy } from '@warren/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command } from '../src/index.ts';
import {
  Kit,
  leaveMark,
  nextOf,
  pause,
  type RawChannel,
  type ServiceOptions,
  type TestService,
  until,
  untilAborted,
  WORK,
  WORK_HANDLER,
} from './kit.ts';

const QUEUE = 'allocator.commands';

let kit: Kit;
let raw: RawChannel;
let proxy: FaultProxy;

beforeEach(async () => {
  kit = await Kit.open();
  ({ raw } = await kit.caller());
});

afterEach(() => kit.close());

async function service(options: ServiceOptions = {}): Promise<TestService> {
  const way = await kit.proxied();
  proxy = way.proxy;
  return kit.service({ ...options, url: way.url });
}

const send = (how: string, text: string): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text }), {
    type: 'allocator.do_work@1',
    messageId: randomUUID(),
  });

const settles = async ({ metrics }: TestService, how: string): Promise<number> => {
  const line = (await metrics.render()).split('\n').find((text) => text.includes(`settles_total{how="${how}"`));
  return Number(line?.split(' ').at(-1) ?? 0);
};

test('a message whose channel is lost while its handler runs has one effect, and its late end settles nothing', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let runs = 0;
  kit.works.set('gated', async (dto, context) => {
    runs++;
    await leaveMark(context, dto.text);
    await gate;
    return { done: dto.text };
  });
  const one = await service();
  await send('gated', 'x');
  await until(() => runs === 1);
  proxy.cut();
  // the second delivery meets the first run and waits for it in the first tier
  await until(async () => (await raw.ready('allocator.retry.1s')) === 1);
  open();
  await until(async () => (await kit.marks()).length === 1);
  await until(async () => (await raw.ready('allocator.retry.1s')) === 0);
  await pause(300);
  expect(await raw.ready(QUEUE)).toBe(0);
  expect(runs).toBe(1);
  expect(await kit.marks()).toEqual(['x']);
  expect(await settles(one, 'stale')).toBe(1);
  expect(await settles(one, 'double')).toBe(0);
});

test('a failure on a lost channel makes no copy: the broker has given the message to somebody else', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const seen: boolean[] = [];
  kit.works.set('defect_later', async () => {
    seen.push(true);
    if (seen.length > 1) return { done: '' };
    await gate;
    throw new TypeError('too late to matter');
  });
  const own = { ...WORK, idempotency: 'natural' } as const;
  await service({ registry: { commands: [command(own, WORK_HANDLER)] } });
  await send('defect_later', '');
  await until(() => seen.length === 1);
  proxy.cut();
  await until(() => seen.length === 2);
  open();
  await pause(500);
  expect(await raw.ready('allocator.dead')).toBe(0);
  expect(await raw.ready(QUEUE)).toBe(0);
});

test('with abortOnLeaseLoss the handler is aborted, commits nothing, and the next delivery does the work', async () => {
  const aborts: unknown[] = [];
  kit.works.set('abortable', async (dto, context) => {
    await leaveMark(context, `${dto.text}${aborts.length}`);
    if (aborts.length > 0) return { done: dto.text };
    const { signal } = context.command;
    await untilAborted(signal);
    aborts.push(signal.reason);
    return { done: dto.text };
  });
  const own = command(WORK, WORK_HANDLER, { abortOnLeaseLoss: true });
  const one = await service({ registry: { commands: [own] } });
  await send('abortable', 'run');
  await pause(300);
  proxy.cut();
  await until(async () => (await kit.marks()).length === 1, 15_000);
  expect(aborts).toMatchObject([{ code: 'SERVICE_LINK_LOST' }]);
  expect(await kit.marks()).toEqual(['run1']);
  expect(await one.metrics.render()).toMatch(/warren_commands_total\{[^}]*outcome="lost"[^}]*\} 1/);
});

test('messages that waited for a slot on the lost channel are not begun there', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const begun: string[] = [];
  kit.works.set('slow', async (dto) => {
    begun.push(dto.text);
    await gate;
    return { done: dto.text };
  });
  // requests are prefetched beyond the slots, and nobody's inbox would hide a second run
  const own = { ...WORK, idempotency: 'natural' } as const;
  await service({ maxConcurrentTasks: 1, registry: { commands: [command(own, WORK_HANDLER)] } });
  const texts = ['a', 'b', 'c'];
  for (const text of texts) {
    const body = JSON.stringify({ how: 'slow', text });
    await raw.publish(EXCHANGE.rpc, WORK.name, body, { type: 'allocator.do_work@1', replyTo: 'rpc.nobody.1' });
  }
  await until(() => begun.length === 1);
  await pause(200);
  proxy.cut();
  await pause(1_000);
  open();
  await until(() => begun.length >= 4);
  await pause(300);
  // only the one that was under way is done again
  expect(begun.toSorted()).toEqual(['a', 'a', 'b', 'c']);
});

test('a message that ends the process each time is parked by the broker after ten deliveries', async () => {
  let runs = 0;
  kit.works.set('poison', async (_dto, context) => {
    runs++;
    proxy.cut();
    const { signal } = context.command;
    await untilAborted(signal);
    return { done: '' };
  });
  await service({ registry: { commands: [command(WORK, WORK_HANDLER, { abortOnLeaseLoss: true })] } });
  await send('poison', 'p');
  const letter = await nextOf(raw, 'allocator.dead', 60_000);
  // a delivery that met the transaction of the one before waited in a delay tier first: an older death
  const deaths: unknown = letter.headers['x-death'];
  expect(Array.isArray(deaths) ? deaths[0] : undefined).toMatchObject({ queue: QUEUE, reason: 'delivery_limit' });
  expect(JSON.parse(letter.body)).toMatchObject({ text: 'p' });
  expect(runs).toBeGreaterThanOrEqual(10);
});
