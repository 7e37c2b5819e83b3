import { randomUUID } from 'node:crypto';
import { systemClock } from '@warren/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Replica, TestAllocator } from './test_allocator.ts';

let store: TestAllocator;

beforeAll(async () => {
  store = await TestAllocator.open();
});

afterAll(() => store.close());

/** Heartbeats of every server, each round followed by the loss of all that Redis holds. */
async function beat(replica: Replica, servers: readonly string[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all(servers.map((id) => replica.heartbeat(id, { cpu: Math.random(), ram: Math.random() })));
    await store.tempRedis.drop();
    await systemClock.sleep(20, signal);
  }
}

test('200 parallel requests for 20 games on 3 servers, with Redis emptied in between, give one lease per game within capacity', async () => {
  const replicas = [store.replica(), store.replica(), store.replica()];
  const [first] = replicas;
  if (first === undefined) throw new Error('no replica');
  const servers = ['storm-1', 'storm-2', 'storm-3'];
  for (const id of servers) await first.register(id, 7);
  const games = Array.from({ length: 20 }, () => randomUUID());
  const stop = new AbortController();
  const beating = beat(first, servers, stop.signal);
  const requests = Array.from({ length: 200 }, async (_, index) => {
    const game = games[index % games.length] ?? '';
    return { game, reply: await (replicas[index % replicas.length] ?? first).assign(game) };
  });
  const replies = await Promise.all(requests).finally(() => stop.abort());
  await beating;
  const placed = new Map<string, Set<string>>();
  for (const { game, reply } of replies) {
    if (!reply.success) throw new Error(`no server for ${game}`);
    placed.set(game, (placed.get(game) ?? new Set()).add(`${reply.lease_id} ${reply.instance_id}`));
  }
  expect(placed.size).toBe(20);
  expect([...placed.values()].every((answers) => answers.size === 1)).toBe(true);
  expect(await store.leases()).toHaveLength(20);
  expect(await store.violations()).toEqual([]);
  expect(await store.outbox('allocator.game_assigned')).toHaveLength(20);
});

test('games whose reservations ran out are assigned anew all at once, and no two requests wait for each other', {
  timeout: 60_000,
}, async () => {
  const replicas = [store.replica(), store.replica()] as const;
  const [first] = replicas;
  const servers = Array.from({ length: 6 }, (_, index) => `spent-${index}`);
  await store.query('TRUNCATE servers, leases');
  for (const id of servers) await first.register(id, 10);
  const games = Array.from({ length: 24 }, () => randomUUID());
  for (const game of games) await first.place(game);
  for (let round = 0; round < 20; round++) {
    await store.query("UPDATE leases SET expires_at = now() - interval '1 s' WHERE state = 'reserved'");
    const placed = await Promise.all(games.map((game, index) => (replicas[index % 2] ?? first).assign(game)));
    expect(placed.filter(({ success }) => success)).toHaveLength(games.length);
  }
  expect(await store.violations()).toEqual([]);
});
