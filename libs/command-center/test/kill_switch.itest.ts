import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '@warren/kernel';
import { EXCHANGE } from '@warren/rabbit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BaseMicroserviceListener } from '../src/index.ts';
import { broken, Kit, pause, type RawChannel, refused, type TestService, until, WORK } from './kit.ts';

const QUEUE = 'allocator.commands';
const SAMPLES = 25;

let kit: Kit;
let raw: RawChannel;
let service: TestService;
let listener: BaseMicroserviceListener;
let skippedMs = 0;
let storeIsAway = false;
let running = 0;
let most = 0;
const done: string[] = [];

/** The real time, of which a part can be skipped. */
const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs };

beforeAll(async () => {
  kit = await Kit.open();
  kit.works.set('work', async (dto) => {
    most = Math.max(most, ++running);
    await pause(20);
    running--;
    if (storeIsAway) throw broken();
    done.push(dto.text);
    return { done: dto.text };
  });
  kit.works.set('refuse', async () => {
    throw refused();
  });
  service = await kit.service({ clock, maxConcurrentTasks: 4 });
  const found = service.listeners.find(({ queue }) => queue === QUEUE);
  if (found === undefined) throw new Error('the service has no listener for commands');
  listener = found;
  ({ raw } = await kit.caller());
});

afterAll(() => kit.close());

const send = (how: string, count: number): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text: String(index) }), {
        type: 'allocator.do_work@1',
        messageId: randomUUID(),
      }),
    ),
  );

test('refusals, however many, stop nothing', async () => {
  await send('refuse', 2 * SAMPLES);
  await until(async () => (await raw.ready(QUEUE)) === 0);
  await send('work', 1);
  await until(() => done.length === 1);
  expect(listener.problem).toBeUndefined();
});

test('while the store is away the messages stay in the queue instead of spending their attempts', async () => {
  storeIsAway = true;
  await send('work', 4 * SAMPLES + 60);
  await until(() => listener.problem !== undefined);
  expect(listener.problem).toMatch(/failed for reasons that may pass/);
  await until(async () => (await raw.ready(QUEUE)) > 60);
  // what waits in the first tier comes back meanwhile and stays as well
  await pause(1_500);
  const waiting = await raw.ready(QUEUE);
  await pause(300);
  expect(await raw.ready(QUEUE)).toBe(waiting);
  expect(done).toHaveLength(1);
  expect(await service.metrics.render()).toMatch(/warren_listener_kill_switch\{[^}]*allocator\.commands[^}]*\} 2/);
});

test('after 30 s one message at a time tries, and a failure stops the flow again', async () => {
  most = 0;
  const before = await raw.ready(QUEUE);
  skippedMs += 30_000;
  await until(async () => (await raw.ready('allocator.retry.1s')) + (await raw.ready('allocator.retry.5s')) > 0);
  await pause(300);
  expect(most).toBe(1);
  expect(await raw.ready(QUEUE)).toBeGreaterThanOrEqual(before - 1);
  expect(listener.problem).toBeDefined();
});

test('once the store is back one message proves it, and all others follow', async () => {
  storeIsAway = false;
  skippedMs += 30_000;
  await until(() => done.length === 1 + 4 * SAMPLES + 60, 20_000);
  expect(listener.problem).toBeUndefined();
  expect(most).toBe(4);
  expect(await raw.ready('allocator.dead')).toBe(0);
});
