import { randomUUID } from 'node:crypto';
import { EXCHANGE } from '@warren/rabbit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Kit, leaveMark, nextOf, pause, type RawChannel, type TestService, until, WORK } from './kit.ts';

const QUEUE = 'allocator.commands';
const RPC_QUEUE = 'allocator.rpc';
const MESSAGES = 100;

let kit: Kit;
let raw: RawChannel;

beforeEach(async () => {
  kit = await Kit.open();
  ({ raw } = await kit.caller());
});

afterEach(() => kit.close());

const sendMany = (count: number, how: string): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text: String(index) }), {
        type: 'allocator.do_work@1',
      }),
    ),
  );

const drained = async (service: TestService): Promise<number> => {
  const cuts = await Promise.all(service.listeners.map((listener) => listener.drain(5_000)));
  await service.stop();
  return cuts.reduce((sum, cut) => sum + cut, 0);
};

/** Commands `gated` are counted as they begin, and end when the gate opens. */
function gatedWork(): { readonly begun: number; readonly open: () => void } {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const work = { begun: 0, open };
  kit.works.set('gated', async () => {
    work.begun++;
    await gate;
    return { done: '' };
  });
  return work;
}

test('MAX_CONCURRENT_TASKS = 4 never runs more than 4 of 100 messages at a time, and uses all 4', async () => {
  let running = 0;
  let most = 0;
  let done = 0;
  kit.works.set('count', async () => {
    most = Math.max(most, ++running);
    await pause(10);
    running--;
    done++;
    return { done: '' };
  });
  const service = await kit.service({ maxConcurrentTasks: 4 });
  await sendMany(MESSAGES, 'count');
  await until(() => done === MESSAGES);
  expect(most).toBe(4);
  expect(await drained(service)).toBe(0);
  expect(await raw.ready(QUEUE)).toBe(0);
});

test('of durable commands a process holds one per slot, of calls two: what it holds when it dies counts as delivered', async () => {
  await kit.service({ maxConcurrentTasks: 20 });
  const held = (await kit.vhost.consumers()).filter(({ queue }) => queue.startsWith('allocator.'));
  expect(held.sort((a, b) => a.queue.localeCompare(b.queue))).toEqual([
    { queue: QUEUE, prefetch: 20, acks: true },
    { queue: RPC_QUEUE, prefetch: 40, acks: true },
  ]);
});

test('drained under load: running commands end, none begins, the rest stays in the queue', async () => {
  let begun = 0;
  kit.works.set('mark', async (dto, context) => {
    begun++;
    await leaveMark(context, dto.text);
    await pause(150);
    return { done: '' };
  });
  const service = await kit.service({ maxConcurrentTasks: 4 });
  await sendMany(MESSAGES, 'mark');
  await until(() => begun >= 6);
  const commands = service.listeners.find((listener) => listener.queue === QUEUE);
  const cut = await commands?.drain(5_000);
  const atDrain = begun;
  expect(cut).toBe(0);
  await pause(300);
  expect(begun).toBe(atDrain);
  await service.stop();
  const marks = await kit.marks();
  expect(marks).toHaveLength(atDrain);
  await until(async () => (await raw.ready(QUEUE)) === MESSAGES - atDrain);
});

test('messages that arrive between the begin of a drain and the answer of the broker go back, and none begins', async () => {
  const work = gatedWork();
  const proxy = await kit.proxy();
  const service = await kit.service({ url: proxy.through(kit.vhost.url), maxConcurrentTasks: 4 });
  await sendMany(20, 'gated');
  await until(() => work.begun === 4);
  proxy.flow('stall', 'to_client');
  work.open();
  // four were acked, and the next four are on their way to us
  await until(async () => (await raw.ready(QUEUE)) === 12);
  const draining = drained(service);
  proxy.flow('pass', 'to_client');
  expect(await draining).toBe(0);
  expect(work.begun).toBe(4);
  await until(async () => (await raw.ready(QUEUE)) === 16);
});

test('calls that wait for a slot when a drain begins go back at once, and none begins', async () => {
  const work = gatedWork();
  const { rpc } = await kit.caller();
  const service = await kit.service({ maxConcurrentTasks: 1 });
  const calls = Array.from({ length: 5 }, () => rpc.outcome(WORK, { how: 'gated' }, { deadlineMs: 30_000 }));
  // one is under work, the others are in our hands and wait for its slot
  await until(async () => work.begun === 1 && rpc.pending === 5 && (await raw.ready(RPC_QUEUE)) === 0);
  const draining = drained(service);
  await until(async () => (await raw.ready(RPC_QUEUE)) === 4);
  work.open();
  expect(await draining).toBe(0);
  expect(await Promise.race(calls)).toMatchObject({ kind: 'value' });
  expect(work.begun).toBe(1);
});

test('what still runs at the end of the grace is aborted: a command goes back, an RPC is answered, nothing is committed', async () => {
  let running = 0;
  kit.works.set('long', async (dto, context) => {
    await leaveMark(context, dto.text);
    running++;
    await pause(1_500);
    return { done: '' };
  });
  const { rpc } = await kit.caller();
  const service = await kit.service();
  await sendMany(1, 'long');
  const answer = rpc.outcome(WORK, { how: 'long', text: 'rpc' });
  await until(() => running === 2);
  const startedAt = performance.now();
  const cuts = await Promise.all(service.listeners.map((listener) => listener.drain(200)));
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  expect(cuts).toEqual([1, 1]);
  expect(await answer).toMatchObject({ kind: 'remote', error: { code: 'SERVICE_UNAVAILABLE', retryable: true } });
  await until(async () => (await raw.ready(QUEUE)) === 1);
  await pause(1_500);
  expect(await kit.marks()).toEqual([]);
});

test('a paused listener finishes what runs, takes nothing new, and goes on when resumed', async () => {
  let done = 0;
  kit.works.set('count', async () => {
    await pause(20);
    done++;
    return { done: '' };
  });
  const service = await kit.service({ maxConcurrentTasks: 4 });
  const commands = service.listeners.find((listener) => listener.queue === QUEUE);
  await commands?.pause();
  expect(commands?.state).toBe('paused');
  await sendMany(20, 'count');
  await pause(200);
  expect(done).toBe(0);
  await commands?.resume();
  await until(() => done === 20);
  await Promise.all([commands?.pause(), commands?.resume(), commands?.pause()]);
  await commands?.resume();
  await sendMany(5, 'count');
  await until(() => done === 25);
});

test('a duplicate whose twin is under work waits for a second, which is no attempt', async () => {
  const work = gatedWork();
  const service = await kit.service();
  const messageId = randomUUID();
  const send = (headers: Record<string, number>): Promise<void> =>
    raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how: 'gated' }), {
      type: 'allocator.do_work@1',
      messageId,
      headers,
    });
  await send({});
  await until(() => work.begun === 1);
  await send({ 'warren-attempt': 3, 'warren-busy': 4 });
  expect((await nextOf(raw, 'allocator.retry.1s')).headers).toMatchObject({ 'warren-attempt': 3, 'warren-busy': 5 });
  work.open();
  expect(await drained(service)).toBe(0);
  expect(work.begun).toBe(1);
});

test('zombies are bounded: with as many as slots the listener waits instead of starting ever more', async () => {
  const work = gatedWork();
  const service = await kit.service({ maxConcurrentTasks: 2, commandProcessingTimeoutMs: 200 });
  await sendMany(8, 'gated');
  await until(() => work.begun === 4);
  await pause(1_500);
  expect(work.begun).toBe(4);
  work.open();
  await until(() => work.begun >= 8);
  await service.stop();
});
