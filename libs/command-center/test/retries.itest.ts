import { randomUUID } from 'node:crypto';
import { EXCHANGE } from '@warren/rabbit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { command } from '../src/index.ts';
import { broken, Kit, nextOf, pause, type RawChannel, until, WORK, WORK_HANDLER } from './kit.ts';

const QUEUE = 'allocator.commands';

let kit: Kit;
let raw: RawChannel;
const attempts: number[] = [];

beforeEach(async () => {
  kit = await Kit.open();
  attempts.length = 0;
  kit.works.set('fail', async (dto, { command: { attempt } }) => {
    attempts.push(attempt);
    if (attempts.length < Number(dto.text)) throw broken();
    return { done: '' };
  });
  ({ raw } = await kit.caller());
});

afterEach(() => kit.close());

const own = command(WORK, WORK_HANDLER, { retry: { maxAttempts: 3, tiers: ['1s'] } });

const send = (failures: number): Promise<void> =>
  raw.publish(EXCHANGE.commands, WORK.name, JSON.stringify({ how: 'fail', text: String(failures + 1) }), {
    type: 'allocator.do_work@1',
    messageId: randomUUID(),
  });

test('a command with retries of its own is tried as often as its registry line says, with the waits that it names', async () => {
  await kit.service({ registry: { commands: [own] } });
  const startedAt = performance.now();
  await send(100);
  const letter = await nextOf(raw, 'allocator.dead', 20_000);
  expect(attempts).toEqual([1, 2, 3]);
  expect(performance.now() - startedAt).toBeGreaterThan(1_900);
  expect(letter.headers).toMatchObject({ 'warren-reason': 'retries_exhausted', 'warren-attempt': 3 });
});

test('where the copy of a failed command cannot be stored the broker keeps the original and delivers it again', async () => {
  // no delay tier takes the copy: it is returned
  await kit.service({ registry: { commands: [own] }, topology: false });
  await send(4);
  await until(() => attempts.length === 5, 20_000);
  await pause(300);
  expect(attempts).toEqual([1, 1, 1, 1, 1]);
  expect(await raw.ready(QUEUE)).toBe(0);
});
