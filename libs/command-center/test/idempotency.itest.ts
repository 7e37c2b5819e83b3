import { randomUUID } from 'node:crypto';
import { Container, startTrace, systemClock, systemRng } from '@warren/kernel';
import { sql, tables } from '@warren/postgres';
import { EXCHANGE } from '@warren/rabbit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { CommandContext, CommandOrchestrator, command, InboxJanitor } from '../src/index.ts';
import {
  broken,
  Kit,
  leaveMark,
  logger,
  pause,
  type RawChannel,
  refused,
  type TestService,
  until,
  WORK,
  WORK_DONE,
  WORK_HANDLER,
} from './kit.ts';

let kit: Kit;
let service: TestService;
let caller: Awaited<ReturnType<Kit['caller']>>;
let raw: RawChannel;

beforeAll(async () => {
  kit = await Kit.open();
  service = await kit.service({ maxConcurrentTasks: 16 });
  await kit.service({ maxConcurrentTasks: 16 });
  caller = await kit.caller();
  raw = caller.raw;
});

beforeEach(async () => {
  await sql`DELETE FROM marks`.execute(tables(service.database.read));
});

afterAll(() => kit.close());

const call = (how: string, text: string, messageId: string) => caller.rpc.outcome(WORK, { how, text }, { messageId });

test('ten parallel duplicates have one effect; each is told the same reply or that its twin is under way', async () => {
  kit.works.set('mark', async (dto, context) => {
    await leaveMark(context, dto.text);
    await pause(50);
    return { done: dto.text, count: Math.floor(Math.random() * 1e9) };
  });
  const id = randomUUID();
  const outcomes = await Promise.all(Array.from({ length: 10 }, () => call('mark', 'once', id)));
  const replies = outcomes.flatMap((outcome) => (outcome.kind === 'value' ? [outcome.value] : []));
  const errors = outcomes.flatMap((outcome) => (outcome.kind === 'remote' ? [outcome.error] : []));
  expect(replies.length).toBeGreaterThan(0);
  expect(replies.length + errors.length).toBe(10);
  for (const error of errors)
    expect(error).toMatchObject({ code: 'REQUEST_IN_PROGRESS', retryable: true, retryAfterSeconds: 1 });
  const later = await call('mark', 'once', id);
  expect(later).toMatchObject({ kind: 'value' });
  for (const reply of replies) expect({ kind: 'value', value: reply }).toEqual(later);
  expect(await kit.marks()).toEqual(['once']);
});

test('the same key with another body is refused with 422', async () => {
  const id = randomUUID();
  await call('echo', 'a', id);
  expect(await call('echo', 'b', id)).toMatchObject({
    kind: 'remote',
    error: { code: 'IDEMPOTENCY_KEY_REUSED', kind: 'unprocessable' },
  });
});

test('a refusal is stored whole, its effects and messages are not', async () => {
  let runs = 0;
  kit.works.set('half', async (dto, context) => {
    runs++;
    await leaveMark(context, dto.text);
    context.emit(WORK_DONE, { text: dto.text });
    throw refused();
  });
  const id = randomUUID();
  const first = await call('half', 'x', id);
  expect(first).toMatchObject({ kind: 'remote', error: { code: 'ALLOCATOR_REFUSED', retryAfterSeconds: 3 } });
  expect(await call('half', 'x', id)).toEqual(first);
  expect(runs).toBe(1);
  expect(await kit.marks()).toEqual([]);
  expect(await kit.count('outbox')).toBe(0);
});

test('a failure that may pass stores nothing: the same key works afterwards', async () => {
  let fail = true;
  kit.works.set('flaky', async (dto, context) => {
    await leaveMark(context, dto.text);
    if (fail) throw broken();
    return { done: dto.text };
  });
  const id = randomUUID();
  expect(await call('flaky', 'y', id)).toMatchObject({ kind: 'remote', error: { retryable: true } });
  fail = false;
  expect(await call('flaky', 'y', id)).toMatchObject({ kind: 'value' });
  expect(await kit.marks()).toEqual(['y']);
});

test('a crash between commit and ack gives one effect: the redelivered command meets its own mark', async () => {
  let crashed: Promise<void> | undefined;
  const mortal = await kit.service();
  await service.listeners.find((listener) => listener.queue.endsWith('commands'))?.pause();
  kit.works.set('crash', async (dto, context) => {
    await leaveMark(context, dto.text);
    return { done: dto.text };
  });
  const run = mortal.unitOfWork.run.bind(mortal.unitOfWork);
  const id = randomUUID();
  // the process loses its connections after the commit and before the ack
  mortal.unitOfWork.run = async (...args) => {
    const result = await run(...args);
    crashed ??= Promise.all(mortal.listeners.map((listener) => listener.stop())).then(() => undefined);
    await crashed;
    return result;
  };
  await raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how: 'crash', text: 'z' }), {
    type: 'allocator.do_work@1',
    messageId: id,
  });
  await until(async () => (await kit.marks()).length === 1);
  await pause(200);
  await service.listeners.find((listener) => listener.queue.endsWith('commands'))?.resume();
  await until(async () => (await raw.ready('allocator.commands')) === 0);
  await pause(200);
  expect(await kit.marks()).toEqual(['z']);
});

test('a command whose twin is under way waits in the first tier, which is no attempt', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const attempts: number[] = [];
  kit.works.set('gated', async (dto, context) => {
    attempts.push(context.command.attempt);
    await gate;
    await leaveMark(context, dto.text);
    return { done: dto.text };
  });
  const id = randomUUID();
  const options = { type: 'allocator.do_work@1', messageId: id };
  const body = JSON.stringify({ how: 'gated', text: 'w' });
  await Promise.all([
    raw.publish(EXCHANGE.commands, WORK.name, body, options),
    raw.publish(EXCHANGE.commands, WORK.name, body, options),
  ]);
  await until(async () => (await raw.ready('allocator.retry.1s')) === 1);
  open();
  await until(async () => (await raw.ready('allocator.retry.1s')) === 0 && (await kit.marks()).length === 1);
  await pause(200);
  expect(attempts).toEqual([1]);
  expect(await kit.marks()).toEqual(['w']);
  expect(await raw.ready('allocator.dead')).toBe(0);
});

test('a stored answer is given also while what prepare needs is away', async () => {
  let away = false;
  const container = new Container().value(WORK_HANDLER, {
    prepare: async () => {
      if (away) throw broken();
      return undefined;
    },
    apply: async (dto: { text: string }) => ({ done: dto.text }),
  });
  const { database, unitOfWork } = service;
  const orchestrator = new CommandOrchestrator({ database, unitOfWork, idempotencyKey: Buffer.alloc(32, 7) });
  const binding = command(WORK, WORK_HANDLER);
  const run = (messageId: string): Promise<unknown> => {
    const actor = { kind: 'service', id: 'coordinator' } as const;
    const envelope = {
      name: WORK.name,
      messageId,
      attempt: 1,
      actor,
      caller: 'coordinator',
      trace: startTrace(),
      deadline: Number.MAX_SAFE_INTEGER,
    };
    const context = new CommandContext(envelope, systemClock, logger);
    return orchestrator.execute(
      { binding, handler: binding.resolve(container), payload: { how: 'x', text: 'kept' } },
      context,
    );
  };
  const id = randomUUID();
  await run(id);
  away = true;
  await expect(run(id)).resolves.toEqual({ done: 'kept' });
  await expect(run(randomUUID())).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});

test('the janitor removes rows whose time is over, and only those', async () => {
  const id = randomUUID();
  await call('echo', 'kept', id);
  await sql`INSERT INTO inbox (message_id, command, fingerprint, outcome, body, expires_at)
    SELECT 'old-' || n, 'x', 'x', 'ok', 'null', now() - interval '1 second' FROM generate_series(1, 2500) AS n`.execute(
    tables(service.database.read),
  );
  const before = await kit.count('inbox');
  const janitor = new InboxJanitor({
    database: service.database,
    clock: systemClock,
    rng: systemRng,
    logger,
    metrics: service.metrics,
    everyMs: 50,
  });
  janitor.start();
  await until(async () => (await kit.count('inbox')) === before - 2_500);
  await janitor.stop();
  expect(await call('echo', 'kept', id)).toMatchObject({ kind: 'value' });
});
