import { randomUUID } from 'node:crypto';
import { AppError } from '@warren/kernel';
import { sql, tables } from '@warren/postgres';
import { EXCHANGE } from '@warren/rabbit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { broken, Kit, leaveMark, pause, type RawChannel, refused, type TestService, until, WORK } from './kit.ts';

const QUEUE = 'allocator.rpc';

let kit: Kit;
let service: TestService;
let caller: Awaited<ReturnType<Kit['caller']>>;
let raw: RawChannel;

beforeAll(async () => {
  kit = await Kit.open();
  kit.works.set('refuse', async () => {
    throw refused();
  });
  kit.works.set('retry', async () => {
    throw broken();
  });
  kit.works.set('defect', async () => {
    throw new TypeError('the password is hunter2');
  });
  kit.works.set('sync_defect', () => {
    throw new TypeError('thrown before the first await');
  });
  kit.works.set('no_json', async () => ({ done: 'x', count: 1n as unknown as number }));
  service = await kit.service({ commandProcessingTimeoutMs: 600, maxConcurrentTasks: 2 });
  caller = await kit.caller();
  raw = caller.raw;
});

afterAll(() => kit.close());

const call = (how: string, text = '', messageId: string = randomUUID()) =>
  caller.rpc.call(WORK, { how, text }, { messageId });

/** Sends what no client of ours would, and waits for the answer on our own reply queue's rules: here only the effect. */
async function failure(work: Promise<unknown>): Promise<AppError> {
  try {
    await work;
  } catch (cause) {
    if (cause instanceof AppError) return cause;
    throw cause;
  }
  throw new Error('it did not fail');
}

test('a handled request is answered with the reply', async () => {
  await expect(call('echo', 'hello')).resolves.toEqual({ done: 'hello', count: 0 });
});

test('a refusal is answered with its code, kind and Retry-After', async () => {
  expect(await failure(call('refuse'))).toMatchObject({
    code: 'ALLOCATOR_REFUSED',
    kind: 'conflict',
    retryable: false,
    retryAfterSeconds: 3,
  });
});

test('a failure that may pass is answered as retryable, at once and without a delay tier', async () => {
  expect(await failure(call('retry'))).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
});

test.each(['defect', 'sync_defect', 'no_json'])(
  'a handler with a defect (%s) is answered with SERVICE_INTERNAL and shows nothing of it',
  async (how) => {
    const error = await failure(call(how));
    expect(error).toMatchObject({ code: 'SERVICE_INTERNAL', kind: 'internal', retryable: false });
    expect(error.message).not.toMatch(/hunter2|await|bigint/i);
  },
);

test('a payload that does not fit is answered with the fields that are wrong', async () => {
  const error = await failure(caller.rpc.call(WORK, { how: 5 as unknown as string }));
  expect(error).toMatchObject({ code: 'REQUEST_INVALID', fields: [{ path: 'how' }] });
});

test('an unknown command and an unknown version are answered with COMMAND_UNKNOWN', async () => {
  expect(await failure(caller.rpc.call({ ...WORK, name: 'allocator.nothing' }, { how: 'echo' }))).toMatchObject({
    code: 'COMMAND_UNKNOWN',
  });
  expect(await failure(caller.rpc.call({ ...WORK, version: 9 }, { how: 'echo' }))).toMatchObject({
    code: 'COMMAND_UNKNOWN',
  });
});

test('a command that runs over its time is answered by the caller or the service, and its late end commits nothing', async () => {
  kit.works.set('late', async (_dto, context) => {
    await leaveMark(context, 'late');
    await pause(1_000);
    return { done: 'late' };
  });
  const started = performance.now();
  expect(await failure(call('late'))).toMatchObject({ code: 'SERVICE_TIMEOUT', retryable: true });
  expect(performance.now() - started).toBeLessThan(1_000);
  await pause(900);
  expect(await kit.marks()).toEqual([]);
});

test('a wait for a lock ends with the time of its command, before the handler counts as one that ignores its signal', async () => {
  let waitedMs = 0;
  kit.works.set('wait', async (_dto, context) => {
    const begun = performance.now();
    try {
      await leaveMark(context, 'waited');
    } finally {
      waitedMs = performance.now() - begun;
    }
    return { done: 'wait' };
  });
  await service.database.transaction(async (tx) => {
    await sql`LOCK TABLE marks`.execute(tables(tx));
    expect(await failure(call('wait'))).toMatchObject({ retryable: true });
    await until(() => waitedMs > 0);
  });
  expect(waitedMs).toBeGreaterThan(400);
  expect(waitedMs).toBeLessThan(1_300);
  expect(await service.metrics.render()).not.toMatch(/warren_command_zombies\{[^}]*allocator\.rpc[^}]*\} [1-9]/);
  expect(await kit.marks()).toEqual([]);
});

test('a handler that ignores its signal loses its slot within a second and the next requests are served', async () => {
  const { promise: never, resolve: end } = Promise.withResolvers<void>();
  kit.works.set('hang', async () => {
    await never;
    return { done: 'hang' };
  });
  const both = [failure(call('hang')), failure(call('hang'))];
  await Promise.all(both);
  const timedOutAt = performance.now();
  await expect(call('echo', 'next')).resolves.toMatchObject({ done: 'next' });
  expect(performance.now() - timedOutAt).toBeLessThan(1_200);
  expect(service.listeners[0]?.problem).toMatch(/ignore their signal/);
  expect(await service.metrics.render()).toMatch(/warren_command_zombies\{[^}]*allocator\.rpc[^}]*\} 2/);
  end();
  await until(() => service.listeners[0]?.problem === undefined);
});

test.each([
  ['bad JSON', '{"how":', {}],
  ['no object', '[1,2]', {}],
  ['a body beyond every limit', `{"how":"${'x'.repeat(300_000)}"}`, {}],
  ['another content type', '{"how":"echo"}', { contentType: 'text/plain' }],
  ['no message id', '{"how":"echo"}', { messageId: '' }],
  ['a deadline long past', '{"how":"mark"}', { headers: { 'warren-deadline': Date.now() - 60_000 } }],
  ['a type that is not the routing key', '{"how":"mark"}', { type: 'allocator.play_work@1' }],
])('%s is not worked on, settled once, and the listener goes on', async (_what, body, options) => {
  kit.works.set('mark', async (_dto, context) => {
    await leaveMark(context, 'worked on');
    return { done: 'mark' };
  });
  await raw.publish(EXCHANGE.rpc, WORK.name, body, { type: 'allocator.do_work@1', ...options });
  await expect(call('echo', 'after')).resolves.toMatchObject({ done: 'after' });
  expect(await kit.marks()).toEqual([]);
});

test('every request was settled exactly once: nothing is left in the queue when the service ends', async () => {
  await service.stop();
  expect(await raw.ready(QUEUE)).toBe(0);
  expect(await raw.ready('allocator.dead')).toBe(0);
  expect(await service.metrics.render()).not.toMatch(/warren_rabbit_settles_total\{[^}]*double[^}]*\} [1-9]/);
});
