import { randomUUID } from 'node:crypto';
import { DRAIN_SERVER } from '@warren/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALLOCATION } from '../src/allocation_container.ts';
import { type Replica, TestAllocator } from './test_allocator.ts';

let store: TestAllocator;
let allocator: Replica;

beforeAll(async () => {
  store = await TestAllocator.open();
  allocator = store.replica();
});

afterAll(() => store.close());

/** Registers a server of its own, so that tests do not meet; the others drain. */
async function onlyServer(capacity = 10): Promise<string> {
  await store.query(`UPDATE servers SET state = 'draining'`);
  const instanceId = `srv-${randomUUID().slice(0, 8)}`;
  await allocator.register(instanceId, capacity);
  return instanceId;
}

async function confirmedGame(instanceId: string): Promise<{ game: string; lease: string }> {
  const game = randomUUID();
  const { lease_id, instance_id } = await allocator.place(game);
  expect(instance_id).toBe(instanceId);
  await allocator.confirm(instanceId, game, lease_id);
  return { game, lease: lease_id };
}

const leaseState = async (leaseId: string): Promise<string | undefined> =>
  (await store.leases(`lease_id = '${leaseId}'`))[0]?.state;

test('a registration names the heartbeat interval and may be repeated', async () => {
  const id = await onlyServer();
  expect(await allocator.register(id)).toEqual({ instance_id: id, heartbeat_interval_ms: 2_000 });
});

test.each(['ws://169.254.169.254/', 'ws://8.8.8.8:7350/', 'ws://example.org/'])(
  'a registration with the address %s is refused and stores nothing',
  async (address) => {
    await expect(allocator.register('evil', 10, address)).rejects.toMatchObject({
      code: 'ALLOCATOR_ADDRESS_REFUSED',
      kind: 'invalid',
      fields: [{ path: 'address' }],
    });
    expect(await store.query(`SELECT 1 FROM servers WHERE instance_id = 'evil'`)).toEqual([]);
  },
);

test('who is no game server cannot speak for one', async () => {
  const asPlayer = allocator.run(
    DRAIN_SERVER,
    ALLOCATION.drainServer,
    {},
    { kind: 'player', id: randomUUID(), roles: [] },
  );
  await expect(asPlayer).rejects.toMatchObject({ code: 'ACCESS_FORBIDDEN' });
});

test('a server that never registered is told to do so', async () => {
  await expect(allocator.heartbeat('nobody')).rejects.toMatchObject({ code: 'ALLOCATOR_SERVER_UNKNOWN' });
  await expect(allocator.drain('nobody')).rejects.toMatchObject({ code: 'ALLOCATOR_SERVER_UNKNOWN' });
});

test('a heartbeat answers with every assignment, reserved and confirmed, so that a lost push does no harm', async () => {
  const id = await onlyServer();
  const { game, lease } = await confirmedGame(id);
  const reserved = await allocator.place(randomUUID());
  const { draining, assignments } = await allocator.heartbeat(id, { games: [game] });
  expect(draining).toBe(false);
  expect(assignments).toMatchObject([
    { game_id: game, lease_id: lease, state: 'confirmed', expires_at: null, match: { mode: 'duel', seed: 7 } },
    { lease_id: reserved.lease_id, state: 'reserved', expires_at: reserved.expires_at },
  ]);
});

test('a heartbeat writes the time of the last sign of life at most once in four seconds', async () => {
  const id = await onlyServer();
  const seen = async (): Promise<unknown> =>
    (await store.query<{ last_seen_at: Date }>(`SELECT last_seen_at FROM servers WHERE instance_id = '${id}'`))[0]
      ?.last_seen_at;
  const before = await seen();
  await allocator.heartbeat(id);
  expect(await seen()).toEqual(before);
  await store.query(`UPDATE servers SET last_seen_at = now() - interval '5 seconds' WHERE instance_id = '${id}'`);
  const aged = await seen();
  await allocator.heartbeat(id);
  expect(await seen()).not.toEqual(aged);
});

test('a draining server gets no new games, keeps those it has, and is ready again after a registration', async () => {
  const id = await onlyServer();
  const { game } = await confirmedGame(id);
  expect(await allocator.drain(id)).toEqual({ draining: true, games: 1 });
  expect(await allocator.drain(id)).toEqual({ draining: true, games: 1 });
  expect(await allocator.assign(randomUUID())).toMatchObject({ success: false });
  expect(await allocator.heartbeat(id, { games: [game] })).toMatchObject({
    draining: true,
    assignments: [{ game_id: game }],
  });
  await allocator.register(id);
  expect(await allocator.assign(randomUUID())).toMatchObject({ success: true, instance_id: id });
});

test('a confirm may be repeated; a wrong lease, another server and an ended lease are told apart', async () => {
  const id = await onlyServer();
  const { game, lease } = await confirmedGame(id);
  expect(await allocator.confirm(id, game, lease)).toMatchObject({
    state: 'confirmed',
    expires_at: null,
    match: { seed: 7 },
  });
  await expect(allocator.confirm(id, game, randomUUID())).rejects.toMatchObject({ code: 'ALLOCATOR_LEASE_UNKNOWN' });
  await expect(allocator.confirm('other', game, lease)).rejects.toMatchObject({ code: 'ALLOCATOR_LEASE_UNKNOWN' });
  await allocator.release(game);
  await expect(allocator.confirm(id, game, lease)).rejects.toMatchObject({ code: 'ALLOCATOR_LEASE_ENDED' });
});

test('a reservation cannot be confirmed after its time', async () => {
  const id = await onlyServer();
  const game = randomUUID();
  const { lease_id } = await allocator.place(game);
  await store.query(`UPDATE leases SET expires_at = now() - interval '1 millisecond' WHERE lease_id = '${lease_id}'`);
  await expect(allocator.confirm(id, game, lease_id)).rejects.toMatchObject({
    code: 'ALLOCATOR_LEASE_ENDED',
    kind: 'gone',
  });
  expect((await allocator.heartbeat(id)).assignments).toEqual([]);
});

test('a confirmed game that heartbeats leave out for ten seconds is lost once, and its place is free', async () => {
  const id = await onlyServer();
  const { game, lease } = await confirmedGame(id);
  await allocator.heartbeat(id, { games: [game] });
  await allocator.heartbeat(id);
  expect(await leaseState(lease)).toBe('confirmed');
  await store.query(
    `UPDATE leases SET missing_since = missing_since - interval '9 seconds' WHERE lease_id = '${lease}'`,
  );
  await allocator.heartbeat(id);
  expect(await leaseState(lease)).toBe('confirmed');
  await store.query(
    `UPDATE leases SET missing_since = missing_since - interval '1 second' WHERE lease_id = '${lease}'`,
  );
  const replies = await Promise.all([allocator.heartbeat(id), allocator.heartbeat(id)]);
  expect(replies.some((reply) => reply.assignments.length === 0)).toBe(true);
  expect(await leaseState(lease)).toBe('lost');
  expect((await store.outbox('allocator.lease_lost')).filter((body) => body.lease_id === lease)).toMatchObject([
    { game_id: game, reason: 'server_lost' },
  ]);
  expect((await store.used())[id]).toBe(0);
});

test('a game that is back before the ten seconds are over starts anew', async () => {
  const id = await onlyServer();
  const { game, lease } = await confirmedGame(id);
  await allocator.heartbeat(id);
  await store.query(`UPDATE leases SET missing_since = now() - interval '1 minute' WHERE lease_id = '${lease}'`);
  await allocator.heartbeat(id, { games: [game] });
  await allocator.heartbeat(id);
  expect(await leaseState(lease)).toBe('confirmed');
});

test('a server that comes back after a crash keeps its leases until its heartbeats have left them out for long enough', async () => {
  const id = await onlyServer();
  const { lease } = await confirmedGame(id);
  await allocator.register(id);
  expect((await allocator.heartbeat(id)).assignments).toMatchObject([{ lease_id: lease }]);
  await store.query(`UPDATE leases SET missing_since = now() - interval '10 seconds' WHERE lease_id = '${lease}'`);
  expect((await allocator.heartbeat(id)).assignments).toEqual([]);
  expect(await leaseState(lease)).toBe('lost');
});

test('a server that registers with fewer places than it has games shrinks as they end', async () => {
  const id = await onlyServer(3);
  const games = [await confirmedGame(id), await confirmedGame(id), await confirmedGame(id)];
  await allocator.register(id, 1);
  expect(await store.violations()).toEqual([]);
  for (const { game } of games) {
    expect(await allocator.assign(randomUUID())).toMatchObject({ success: false });
    await allocator.release(game);
  }
  expect(await store.query(`SELECT capacity, used FROM servers WHERE instance_id = '${id}'`)).toEqual([
    { capacity: 1, used: 0 },
  ]);
  expect(await allocator.assign(randomUUID())).toMatchObject({ success: true });
  expect(await allocator.assign(randomUUID())).toMatchObject({ success: false });
});

test('metrics that another program wrote into Redis are never believed', async () => {
  const id = await onlyServer();
  const key = `allocator:server:${id}`;
  for (const fields of [
    { cpu: 'NaN' },
    { cpu: '-1' },
    { cpu: '1e308' },
    { cpu: '' },
    { games: '0.5' },
    { at: '99999999999999' },
    { at: 'x' },
  ]) {
    await allocator.heartbeat(id);
    await allocator.redis.commands.hset(key, fields);
    expect(await allocator.assign(randomUUID()), JSON.stringify(fields)).toMatchObject({
      success: true,
      instance_id: id,
    });
  }
  await allocator.redis.commands.del(key);
  await allocator.redis.commands.set(key, 'a key of another type');
  expect(await allocator.assign(randomUUID())).toMatchObject({ success: true });
  await allocator.heartbeat(id);
  expect(await allocator.redis.commands.hget(key, 'cpu')).toBe('0.1');
});
