import { type Clock, systemClock } from '@warren/kernel';
import { sql, tables } from '@warren/postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyedKit } from './keyed_kit.ts';
import { broken, pause, type RawChannel, until, untilAborted } from './kit.ts';

const PLAYERS = Array.from({ length: 12 }, (_, index) => `player-${index}`);
const COMMANDS = 25;
const inOrder = Array.from({ length: COMMANDS }, (_, n) => n);

let keyed: KeyedKit;
let raw: RawChannel;

beforeEach(async () => {
  keyed = await KeyedKit.open();
  ({ raw } = await keyed.kit.caller());
});

afterEach(() => keyed.kit.close());

/** Every player's commands, sent one transaction after the other, players mixed. */
const sendAll = async (sender: Awaited<ReturnType<KeyedKit['replica']>>): Promise<void> => {
  for (const n of inOrder) await keyed.send(sender, ...PLAYERS.map((player) => [player, n] as const));
};

const expectOrder = (): void => {
  for (const player of PLAYERS) expect(keyed.doneOf(player), player).toEqual(inOrder);
  expect(keyed.most.ofOnePlayer).toBe(1);
};

test('commands of a key are done one after the other in their order, those of other keys at the same time', async () => {
  keyed.rule = () => pause(2);
  await sendAll(await keyed.replica());
  await until(() => keyed.done.length === PLAYERS.length * COMMANDS, 60_000);
  expectOrder();
  expect(keyed.most.together).toBeGreaterThan(1);
  expect(keyed.most.together).toBeLessThanOrEqual(8);
});

test('replicas share the partitions, and order and single effects survive one that comes and one that goes', async () => {
  keyed.rule = () => pause(10);
  const one = await keyed.replica();
  await sendAll(one);
  await until(() => keyed.done.length > 30, 30_000);
  const two = await keyed.replica();
  const holders = async (): Promise<number> => {
    const { rows } = await sql<{ n: number }>`SELECT count(DISTINCT holder)::int AS n FROM partition_leases`.execute(
      tables(one.database.read),
    );
    return rows[0]?.n ?? 0;
  };
  await until(async () => (await holders()) === 2, 30_000);
  await until(() => keyed.done.length > 120, 30_000);
  // what is still to be sent leaves by the other one's relay
  await Promise.all(one.listeners.map((listener) => listener.drain(5_000)));
  await one.stop();
  await until(() => keyed.done.length >= PLAYERS.length * COMMANDS, 60_000);
  expectOrder();
  expect(await holders()).toBe(1);
  await two.stop();
  expect(await raw.ready('allocator.dead')).toBe(0);
});

test('a failure that may pass is tried again in place: its key waits, other keys go on', async () => {
  const attempts: number[] = [];
  keyed.rule = async ({ player_id, n }, { command: { attempt } }) => {
    if (player_id !== 'slow' || n !== 0) return;
    attempts.push(attempt);
    if (attempts.length < 3) throw broken();
  };
  const service = await keyed.replica();
  await keyed.send(service, ['slow', 0], ['slow', 1], ['quick', 0], ['slow', 2], ['quick', 1]);
  await until(() => keyed.doneOf('quick').length === 2);
  expect(keyed.doneOf('slow')).toEqual([]);
  await until(() => keyed.doneOf('slow').length === 3, 30_000);
  expect(keyed.doneOf('slow')).toEqual([0, 1, 2]);
  expect(attempts).toEqual([1, 2, 3]);
});

test('a replica that loses its way to the broker leaves its partitions to another one, which begins where it was cut', async () => {
  const { proxy, url } = await keyed.kit.proxied();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let cutOff = true;
  keyed.rule = async ({ n }, { command: { signal } }) => {
    if (n !== 1 || !cutOff) return;
    cutOff = false;
    await Promise.race([gate, untilAborted(signal)]);
  };
  const cut = await keyed.replica({ url });
  await keyed.send(cut, ['a', 0], ['a', 1], ['a', 2]);
  await until(() => keyed.begunOf('a').length === 2);
  await proxy.admit('refuse');
  proxy.cut();
  await keyed.replica();
  await until(() => keyed.begunOf('a').includes(2), 40_000);
  open();
  // the run that was cut off ended as well, and committed nothing
  expect(keyed.begunOf('a')).toEqual([0, 1, 1, 2]);
  await pause(500);
  expect(await keyed.kit.count('inbox')).toBe(3);
});

test('a stopped listener keeps nothing: what it had in hand comes back in its order', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  keyed.rule = () => gate;
  const one = await keyed.replica();
  await keyed.send(one, ['a', 0], ['a', 1], ['b', 0], ['a', 2], ['b', 1]);
  await until(() => keyed.begun.length === 2);
  await Promise.all(one.listeners.map((listener) => listener.drain(100)));
  await Promise.all(one.listeners.map((listener) => listener.stop()));
  open();
  // the handlers that were cut short end as well, and commit nothing
  await until(() => keyed.done.length === 2);
  keyed.begun.length = 0;
  keyed.done.length = 0;
  await keyed.replica();
  await until(() => keyed.done.length >= 5, 30_000);
  expect(keyed.begunOf('a')).toEqual([0, 1, 2]);
  expect(keyed.begunOf('b')).toEqual([0, 1]);
});

test('a paused listener leaves its partitions to others, and takes its share when it is resumed', async () => {
  const one = await keyed.replica();
  const [listener] = one.listeners;
  await listener?.pause();
  await keyed.send(one, ['a', 0], ['b', 0]);
  await pause(1_500);
  expect(keyed.begun).toEqual([]);
  await keyed.replica();
  await until(() => keyed.done.length === 2, 30_000);
  await listener?.resume();
  await keyed.send(one, ['a', 1], ['b', 1]);
  await until(() => keyed.done.length === 4, 30_000);
  expect(keyed.doneOf('a')).toEqual([0, 1]);
});

test('while the kill switch is open commands in sequence wait in our hands, and then go on in their order', async () => {
  let skippedMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs };
  let isAway = true;
  keyed.rule = async () => {
    await pause(5);
    if (isAway) throw broken();
  };
  const service = await keyed.replica({ clock, maxConcurrentTasks: 4 });
  const [listener] = service.listeners;
  const players = Array.from({ length: 24 }, (_, index) => `p${index}`);
  await keyed.send(service, ...players.flatMap((player) => [0, 1].map((n) => [player, n] as const)));
  await until(() => listener?.problem !== undefined, 20_000);
  await pause(1_500);
  const begun = keyed.begun.length;
  await pause(1_500);
  expect(keyed.begun).toHaveLength(begun);
  keyed.most.together = 0;
  skippedMs += 30_000;
  await until(() => keyed.begun.length > begun);
  await pause(300);
  expect(keyed.most.together).toBe(1);
  expect(listener?.problem).toBeDefined();
  isAway = false;
  skippedMs += 30_000;
  await until(() => keyed.done.length === 2 * players.length, 60_000);
  for (const player of players) expect(keyed.doneOf(player)).toEqual([0, 1]);
  expect(await raw.ready('allocator.dead')).toBe(0);
});
