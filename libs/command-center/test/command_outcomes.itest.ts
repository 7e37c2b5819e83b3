import { randomUUID } from 'node:crypto';
import { AppError } from '@warren/kernel';
import { DELAY_TIERS, EXCHANGE } from '@warren/rabbit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  broken,
  Kit,
  leaveMark,
  nextOf,
  pause,
  type RawChannel,
  refused,
  type TestService,
  until,
  WORK,
} from './kit.ts';

const QUEUE = 'allocator.commands';
const DEAD = 'allocator.dead';

let kit: Kit;
let service: TestService;
let raw: RawChannel;
const runs: { text: string; attempt: number; caller: string }[] = [];

beforeAll(async () => {
  kit = await Kit.open();
  kit.works.set('record', async (dto, { command }) => {
    runs.push({ text: dto.text, attempt: command.attempt, caller: command.caller });
    return { done: dto.text };
  });
  kit.works.set('twice', async (dto, { command }) => {
    runs.push({ text: dto.text, attempt: command.attempt, caller: command.caller });
    if (command.attempt < 2) throw broken();
    return { done: dto.text };
  });
  kit.works.set('always', async () => {
    throw broken();
  });
  kit.works.set('refuse', async () => {
    throw refused();
  });
  kit.works.set('defect', async () => {
    throw new TypeError('a defect');
  });
  service = await kit.service({ commandProcessingTimeoutMs: 500, maxConcurrentTasks: 2 });
  ({ raw } = await kit.caller());
});

afterAll(() => kit.close());

type PublishOptions = Parameters<RawChannel['publish']>[3];

/** Not a valid id, which is as good as none. */
const NO_ID = '';

const send = (how: string, text = '', options: PublishOptions = {}): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how, text }), { type: 'allocator.do_work@1', ...options });

const parked = () => nextOf(raw, DEAD);

test('a handled command is acked', async () => {
  await send('record', 'plain');
  await until(() => runs.some((run) => run.text === 'plain'));
  expect(runs.at(-1)).toEqual({ text: 'plain', attempt: 1, caller: 'coordinator' });
});

test('a refused command is acked: nobody waits for it and trying again changes nothing', async () => {
  await send('refuse');
  await send('record', 'after refusal');
  await until(() => runs.some((run) => run.text === 'after refusal'));
  expect(await raw.ready(DEAD)).toBe(0);
});

test('a failure that may pass comes back through the first tier as attempt 2, from the same sender', async () => {
  const started = performance.now();
  await send('twice', 'again');
  await until(() => runs.filter((run) => run.text === 'again').length === 2);
  expect(performance.now() - started).toBeGreaterThan(900);
  expect(runs.filter((run) => run.text === 'again')).toEqual([
    { text: 'again', attempt: 1, caller: 'coordinator' },
    { text: 'again', attempt: 2, caller: 'coordinator' },
  ]);
});

test('the last attempt that fails is parked with its reason', async () => {
  await send('always', 'exhausted', { headers: { 'warren-attempt': DELAY_TIERS.length + 1 } });
  const { headers, body } = await parked();
  expect(headers).toMatchObject({
    'warren-reason': 'retries_exhausted',
    'warren-error-code': 'SERVICE_UNAVAILABLE',
    'warren-error-message': 'Not now.',
    'warren-attempt': 6,
    'warren-source-queue': QUEUE,
    'warren-origin-user': 'coordinator',
  });
  expect(JSON.parse(body)).toMatchObject({ text: 'exhausted' });
});

test('each attempt waits in its own tier', async () => {
  await send('always', 'third', { headers: { 'warren-attempt': 3 } });
  await until(async () => (await raw.ready('allocator.retry.30s')) === 1);
  const copy = await raw.take('allocator.retry.30s');
  expect(copy?.headers).toMatchObject({ 'warren-attempt': 4, 'warren-error-code': 'SERVICE_UNAVAILABLE' });
});

test('a defect is parked at once', async () => {
  const messageId = randomUUID();
  await send('defect', '', { messageId });
  expect(await parked()).toMatchObject({
    messageId,
    headers: { 'warren-reason': 'defect', 'warren-error-code': 'SERVICE_INTERNAL', 'warren-attempt': 1 },
  });
});

test.each<[string, string, PublishOptions, string]>([
  ['bad JSON', '{"how":', {}, 'invalid_payload'],
  ['a payload that does not fit', '{"how":1}', {}, 'invalid_payload'],
  ['another content type', '{"how":"record"}', { contentType: 'text/plain' }, 'invalid_payload'],
  ['no message id', '{"how":"record"}', { messageId: NO_ID }, 'invalid_payload'],
  ['a command that nobody registered', '{}', { type: 'allocator.nothing@1' }, 'no_handler'],
  ['a version that nobody registered', '{"how":"record"}', { type: 'allocator.do_work@2' }, 'no_handler'],
  ['a type without sense', '{"how":"record"}', { type: 'x'.repeat(255) }, 'no_handler'],
  ['a header beyond every limit', '{"how":', { headers: { traceparent: 'x'.repeat(20_000) } }, 'invalid_payload'],
])('%s is parked with its reason and the listener goes on', async (_what, body, options, reason) => {
  await raw.publish(EXCHANGE.commands, WORK.name, body, { type: 'allocator.do_work@1', ...options });
  expect((await parked()).headers).toMatchObject({ 'warren-reason': reason, 'warren-source-queue': QUEUE });
  const text = randomUUID();
  await send('record', text);
  await until(() => runs.some((run) => run.text === text));
});

test('more unknown commands than the listener has slots are all parked, and the next command is worked on', async () => {
  const unknown = Array.from({ length: 20 }, (_, i) => ({ type: 'allocator.nothing@1', messageId: `unknown-${i}` }));
  await Promise.all(unknown.map((options) => raw.publish(EXCHANGE.commands, WORK.name, '{}', options)));
  await send('record', 'after unknown');
  await until(() => runs.some((run) => run.text === 'after unknown'));
  const letters = await Promise.all(unknown.map(parked));
  expect(letters.map(({ messageId }) => String(messageId)).sort()).toEqual(unknown.map((one) => one.messageId).sort());
  for (const { headers } of letters) expect(headers).toMatchObject({ 'warren-reason': 'no_handler' });
});

test('an error with a message and a stack of a megabyte is parked with its beginning', async () => {
  kit.works.set('verbose', async () => {
    const error = new AppError('ALLOCATOR_VERBOSE', '→'.repeat(1_000_000), { kind: 'internal' });
    error.stack = `${error.stack}${'\n    at somewhere'.repeat(60_000)}`;
    throw error;
  });
  await send('verbose');
  const { headers } = await parked();
  expect(headers).toMatchObject({ 'warren-reason': 'defect', 'warren-error-code': 'ALLOCATOR_VERBOSE' });
  expect(headers['warren-error-message']).toMatch(/^→{100,1000}$/);
  expect(Buffer.byteLength(JSON.stringify(headers))).toBeLessThan(8 * 1024);
  await send('record', 'after verbose');
  await until(() => runs.some((run) => run.text === 'after verbose'));
});

test('a body beyond every limit is parked without its end, and says how long it was', async () => {
  const body = JSON.stringify({ how: 'x'.repeat(400_000) });
  await raw.publish(EXCHANGE.commands, WORK.name, body, { type: 'allocator.do_work@1' });
  const letter = await parked();
  expect(letter.headers).toMatchObject({ 'warren-reason': 'too_large', 'warren-body-bytes': body.length });
  expect(letter.body).toBe(body.slice(0, 64 * 1024));
});

test('a command whose deadline has passed is acked without work', async () => {
  await send('record', 'expired', { headers: { 'warren-deadline': Date.now() - 60_000 } });
  await send('record', 'after expired');
  await until(() => runs.some((run) => run.text === 'after expired'));
  expect(runs.some((run) => run.text === 'expired')).toBe(false);
});

test('a handler that ignores its signal gives its slot away, is tried again, and commits nothing late', async () => {
  let first = true;
  kit.works.set('slow', async (_dto, context) => {
    await leaveMark(context, `attempt ${context.command.attempt}`);
    if (first) {
      first = false;
      await pause(2_500);
    }
    return { done: 'slow' };
  });
  await send('slow');
  await until(async () => (await kit.marks()).length > 0);
  await pause(1_500);
  expect(await kit.marks()).toEqual(['attempt 2']);
});

test('a header that names another first sender is not believed of a stranger, nor carried on', async () => {
  await send('always', '', { headers: { 'warren-attempt': 6, 'warren-origin-user': 'gateway' } });
  expect((await parked()).headers).toMatchObject({ 'warren-origin-user': 'coordinator' });
});

test('every command was settled exactly once', async () => {
  await service.stop();
  expect(await raw.ready(QUEUE)).toBe(0);
  expect(await raw.ready(DEAD)).toBe(0);
});
