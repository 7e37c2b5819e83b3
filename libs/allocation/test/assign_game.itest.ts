import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Replica, TestAllocator } from './test_allocator.ts';

let store: TestAllocator;
let one: Replica;
let two: Replica;

beforeAll(async () => {
  store = await TestAllocator.open();
  one = store.replica();
  two = store.replica();
});

afterAll(() => store.close());

const games = (count: number): string[] => Array.from({ length: count }, () => randomUUID());

test('without any server the answer says so and may be retried', async () => {
  expect(await one.assign(randomUUID())).toEqual({ success: false, code: 'ALLOCATOR_NO_SERVER', retryable: true });
});

test('the same game gets the same lease and server until it is released, also when nothing is free', async () => {
  await one.register('same-1', 1);
  const game = randomUUID();
  const first = await one.place(game);
  expect(await two.place(game)).toEqual(first);
  expect(await two.assign(randomUUID())).toMatchObject({ success: false });
  expect(await one.place(game)).toEqual(first);
  expect(await two.release(game)).toEqual({ released: true });
  expect((await one.place(game)).lease_id).not.toBe(first.lease_id);
  await one.release(game);
  await one.drain('same-1');
});

test('the server is told of its game with everything it needs, in the transaction of the lease', async () => {
  await one.register('told-1', 1);
  const game = randomUUID();
  const reply = await one.place(game);
  const [pushed] = (await store.outbox('allocator.game_assigned')).filter((body) =>
    JSON.stringify(body).includes(game),
  );
  expect(pushed).toMatchObject({
    recipient: 'server:told-1',
    type: 'server.assigned',
    payload: {
      game_id: game,
      lease_id: reply.lease_id,
      state: 'reserved',
      expires_at: reply.expires_at,
      match: { mode: 'duel', seed: 7 },
    },
  });
  await one.release(game);
  await one.drain('told-1');
});

test('fifty parallel requests for one game on two replicas make one lease', async () => {
  await one.register('race-1', 20);
  await one.register('race-2', 20);
  const game = randomUUID();
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, index) => (index % 2 === 0 ? one : two).place(game)),
  );
  expect(new Set(replies.map((reply) => `${reply.lease_id} ${reply.instance_id}`)).size).toBe(1);
  expect(await store.leases(`game_id = '${game}'`)).toHaveLength(1);
  expect(await store.violations()).toEqual([]);
  await one.release(game);
});

test('low goes to the server with the least CPU load and high to the one with the least RAM in use', async () => {
  await one.heartbeat('race-1', { cpu: 0.05, ram: 0.9 });
  await one.heartbeat('race-2', { cpu: 0.9, ram: 0.05 });
  const [low, high] = games(2);
  expect(await one.assign(low ?? '', 'low')).toMatchObject({ instance_id: 'race-1' });
  expect(await one.assign(high ?? '', 'high')).toMatchObject({ instance_id: 'race-2' });
  await Promise.all([low, high].map((game) => one.release(game ?? '')));
});

test('more games than places: exactly the places are given, and the others hear that there is none', async () => {
  await one.drain('race-1');
  await one.drain('race-2');
  for (const id of ['full-1', 'full-2', 'full-3']) await one.register(id, 5);
  const wanted = games(40);
  const replies = await Promise.all(wanted.map((game, index) => (index % 2 === 0 ? one : two).assign(game)));
  expect(replies.filter((reply) => reply.success)).toHaveLength(15);
  expect(await store.used()).toMatchObject({ 'full-1': 5, 'full-2': 5, 'full-3': 5 });
  expect(await store.violations()).toEqual([]);
  await Promise.all(wanted.map((game) => one.release(game)));
  expect(await store.used()).toMatchObject({ 'full-1': 0, 'full-2': 0, 'full-3': 0 });
});

test('a game whose reservation ran out gets a new lease, and the end of the old one is told once', async () => {
  const game = randomUUID();
  const first = await one.place(game);
  await store.query(`UPDATE leases SET expires_at = now() - interval '1 second' WHERE lease_id = '${first.lease_id}'`);
  const replies = await Promise.all([one.place(game), two.place(game)]);
  expect(new Set(replies.map((reply) => reply.lease_id)).size).toBe(1);
  expect(replies[0]?.lease_id).not.toBe(first.lease_id);
  expect((await store.outbox('allocator.lease_lost')).filter((body) => body.lease_id === first.lease_id)).toMatchObject(
    [{ reason: 'confirm_timeout' }],
  );
  expect(await store.violations()).toEqual([]);
  await one.release(game);
});

test('on a full fleet the place of an overdue reservation serves its own game again', async () => {
  await store.query(`UPDATE servers SET state = 'draining'`);
  await one.register('overdue-1', 1);
  const game = randomUUID();
  const first = await one.place(game);
  await store.query(`UPDATE leases SET expires_at = now() - interval '1 second' WHERE lease_id = '${first.lease_id}'`);
  expect((await one.place(game)).lease_id).not.toBe(first.lease_id);
  expect(await store.violations()).toEqual([]);
  await store.query(`UPDATE servers SET state = 'ready'`);
});

test('while the servers that are seen are full, one without fresh metrics is not tried', async () => {
  await store.query(`UPDATE servers SET state = 'draining'`);
  await one.register('seen-1', 1);
  await one.heartbeat('seen-1');
  await one.register('unseen-1', 1);
  await one.place(randomUUID());
  expect(await one.assign(randomUUID())).toEqual({ success: false, code: 'ALLOCATOR_NO_SERVER', retryable: true });
  await store.query(`UPDATE servers SET state = 'ready'`);
});

test('a release may be repeated, and of an unknown game nothing is released', async () => {
  const game = randomUUID();
  const { lease_id, instance_id } = await one.place(game);
  expect(await Promise.all([one.release(game), two.release(game)])).toEqual([{ released: true }, { released: true }]);
  expect(await one.release(game)).toEqual({ released: true });
  expect(await one.release(randomUUID())).toEqual({ released: false });
  const told = (await store.outbox('allocator.game_released')).filter((body) =>
    JSON.stringify(body).includes(lease_id),
  );
  expect(told).toMatchObject([{ recipient: `server:${instance_id}`, payload: { game_id: game, reason: 'ended' } }]);
});

test('games are placed while Redis cannot be reached', async () => {
  const broken = store.replica();
  await broken.redis.close();
  expect(await broken.assign(randomUUID())).toMatchObject({ success: true });
  expect(await broken.heartbeat('full-1')).toMatchObject({ draining: false });
});
