import { randomUUID } from 'node:crypto';
import { sql, tables } from '@warren/postgres';
import { EXCHANGE, keyedKey } from '@warren/rabbit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { releaseKeys } from '../src/index.ts';
import { KeyedKit, letters, reasonsOf, replay } from './keyed_kit.ts';
import { type RawChannel, type TestService, until, untilAborted } from './kit.ts';

/** A link that is cut again and again waits up to two seconds each time. */
const MANY_LINKS_MS = 45_000;

let keyed: KeyedKit;
let raw: RawChannel;
let service: TestService;
let isBroken: boolean;

beforeEach(async () => {
  keyed = await KeyedKit.open();
  ({ raw } = await keyed.kit.caller());
  service = await keyed.replica();
  isBroken = true;
  keyed.rule = async ({ player_id, n }) => {
    if (isBroken && player_id === 'a' && n === 0) throw new TypeError('a defect');
  };
});

afterEach(() => keyed.kit.close());

const blocked = async (): Promise<number[]> => {
  const { rows } = await sql<{ n: number }>`SELECT 1 AS n FROM blocked_commands ORDER BY position`.execute(
    tables(service.database.read),
  );
  return rows.map(({ n }) => n);
};

test('a command that fails for good is parked with those behind it, and other keys go on', async () => {
  await keyed.send(service, ['a', 0], ['a', 1], ['b', 0], ['a', 2]);
  const found = await letters(raw, 3);
  expect(reasonsOf(found)).toEqual(['defect', 'key_blocked', 'key_blocked']);
  expect(found.map(({ body }) => body)).toEqual([0, 1, 2].map((n) => JSON.stringify({ player_id: 'a', n })));
  expect(keyed.done).toEqual(['b 0']);
  expect(keyed.begunOf('a')).toEqual([0]);
  expect(await blocked()).toHaveLength(3);
  await until(async () => /warren_blocked_keys\{[^}]*\} 1/.test(await service.metrics.render()), 20_000);
});

test('replayed in their order they are done in their order, new ones behind them, and the key is free again', async () => {
  await keyed.send(service, ['a', 0], ['a', 1]);
  const found = await letters(raw, 2);
  isBroken = false;
  // comes before the replays are through: it must not overtake them
  await keyed.send(service, ['a', 2]);
  const [late] = await letters(raw, 1);
  for (const letter of [...found, late]) if (letter !== undefined) await replay(raw, letter);
  await until(() => keyed.done.length === 3);
  await keyed.send(service, ['a', 3]);
  await until(() => keyed.done.length === 4);
  expect(keyed.doneOf('a')).toEqual([0, 1, 2, 3]);
  expect(await blocked()).toEqual([]);
});

test('one that is replayed before its turn is parked again', async () => {
  await keyed.send(service, ['a', 0], ['a', 1]);
  const [first, second] = await letters(raw, 2);
  isBroken = false;
  if (first === undefined || second === undefined) throw new Error('two letters were read');
  await replay(raw, second);
  const [again] = await letters(raw, 1);
  expect(again).toMatchObject({ messageId: second.messageId, headers: { 'warren-reason': 'key_blocked' } });
  await replay(raw, first);
  await replay(raw, second);
  await until(() => keyed.done.length === 2);
  expect(keyed.doneOf('a')).toEqual([0, 1]);
});

test('the first one fails again: it is parked again and its key stays blocked', async () => {
  await keyed.send(service, ['a', 0], ['a', 1]);
  const [first] = await letters(raw, 2);
  if (first === undefined) throw new Error('a letter was read');
  await replay(raw, first);
  expect(reasonsOf(await letters(raw, 1))).toEqual(['defect']);
  expect(await blocked()).toHaveLength(2);
  expect(keyed.done).toEqual([]);
});

test('somebody who drops a letter removes its row, and the next one is first', async () => {
  await keyed.send(service, ['a', 0], ['a', 1]);
  const [first, second] = await letters(raw, 2);
  if (first === undefined || second === undefined) throw new Error('two letters were read');
  expect(await releaseKeys(service.database, [String(first.messageId), 'of another queue'])).toBe(1);
  await replay(raw, second);
  await until(() => keyed.done.length === 1);
  expect(keyed.doneOf('a')).toEqual([1]);
  expect(await blocked()).toEqual([]);
});

test.each<[string, string, object, string]>([
  ['bad JSON', '{', { 'warren-key': 'a' }, 'invalid_payload'],
  ['the key of another one', '{"player_id":"b","n":0}', { 'warren-key': 'a' }, 'invalid_payload'],
  ['no key', '{"player_id":"a","n":0}', {}, 'invalid_payload'],
])('a message with %s is parked and blocks no key', async (_what, body, headers, reason) => {
  const options = { type: 'allocator.grant_item@1', messageId: randomUUID(), headers, mandatory: true };
  await raw.publish(EXCHANGE.commands, keyedKey('allocator.grant_item', 3), body, options);
  expect(reasonsOf(await letters(raw, 1))).toEqual([reason]);
  await keyed.send(service, ['a', 7], ['b', 7]);
  await until(() => keyed.done.length === 2);
  expect(await blocked()).toEqual([]);
});

test('a command that ends the process each time is parked with its key marked, before the broker would park it', {
  timeout: 3 * MANY_LINKS_MS,
}, async () => {
  await service.stop();
  const { proxy, url } = await keyed.kit.proxied();
  let deaths = 0;
  keyed.rule = async ({ player_id }, { command: { signal } }) => {
    if (player_id !== 'a') return;
    deaths++;
    proxy.cut();
    await untilAborted(signal);
  };
  const mortal = await keyed.replica({ url });
  await keyed.send(mortal, ['a', 0], ['a', 1], ['b', 0]);
  const codes = new Map<unknown, unknown>();
  // a copy whose original could not be acked in time comes twice
  while (codes.size < 2) {
    const [letter] = await letters(raw, 1, MANY_LINKS_MS);
    if (letter !== undefined && !codes.has(letter.messageId))
      codes.set(letter.messageId, letter.headers['warren-error-code']);
  }
  const [first, second] = codes.values();
  expect(first).toBe('COMMAND_REDELIVERED');
  // it was in hand as often as the first one, or once less
  expect(['COMMAND_REDELIVERED', 'COMMAND_KEY_BLOCKED']).toContain(second);
  expect(deaths).toBeGreaterThanOrEqual(16);
  await until(() => keyed.doneOf('b').length === 1, MANY_LINKS_MS);
  service = mortal;
  await until(async () => (await blocked()).length === 2);
});
