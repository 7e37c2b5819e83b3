import { randomUUID } from 'node:crypto';
import { EXCHANGE } from '@warren/rabbit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command } from '../src/index.ts';
import { broken, Kit, nextOf, type RawChannel, until, WORK, WORK_HANDLER } from './kit.ts';

let kit: Kit;
let raw: RawChannel;
const attempts: number[] = [];

beforeAll(async () => {
  kit = await Kit.open();
  kit.works.set('always', async (_dto, { command: { attempt } }) => {
    attempts.push(attempt);
    throw broken();
  });
  const own = command(WORK, WORK_HANDLER, { retry: { maxAttempts: 3, tiers: ['1s'] } });
  await kit.service({ registry: { commands: [own] } });
  ({ raw } = await kit.caller());
});

afterAll(() => kit.close());

const send = (options: Parameters<RawChannel['publish']>[3] = {}): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how: 'always' }), {
    type: 'allocator.do_work@1',
    messageId: randomUUID(),
    ...options,
  });

test('a command with retries of its own is tried as often as its registry line says, with the waits that it names', async () => {
  const startedAt = performance.now();
  await send();
  const letter = await nextOf(raw, 'allocator.dead', 20_000);
  expect(attempts).toEqual([1, 2, 3]);
  expect(performance.now() - startedAt).toBeGreaterThan(1_900);
  expect(letter.headers).toMatchObject({ 'warren-reason': 'retries_exhausted', 'warren-attempt': 3 });
});

test('the copy of a failed command that cannot be stored leaves the original with the broker', async () => {
  attempts.length = 0;
  await raw.remove('allocator.retry.1s');
  const messageId = randomUUID();
  await send({ messageId });
  await until(() => attempts.length >= 3, 20_000);
  // nothing was counted but by the broker, which gives up after ten deliveries
  expect(new Set(attempts)).toEqual(new Set([1]));
  expect(await raw.ready('allocator.dead')).toBe(0);
  const letter = await nextOf(raw, 'allocator.dead', 60_000);
  expect(letter.messageId).toBe(messageId);
  expect(letter.headers['x-death']).toMatchObject([{ queue: 'allocator.commands', reason: 'delivery_limit' }]);
  expect(attempts.length).toBeGreaterThanOrEqual(10);
});
