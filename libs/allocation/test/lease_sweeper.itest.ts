import { randomUUID } from 'node:crypto';
import { type FakeClock, fakeClock } from '@warren/testing';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { ALLOCATION } from '../src/allocation_container.ts';
import type { LeaseSweeper } from '../src/services/lease_sweeper.ts';
import { type Replica, TestAllocator } from './test_allocator.ts';

const stores: TestAllocator[] = [];
let store: TestAllocator;
let allocator: Replica;
let clocks: FakeClock[];
let replicas: Replica[];
let sweepers: LeaseSweeper[];

beforeEach(async () => {
  store = await TestAllocator.open();
  stores.push(store);
  clocks = [fakeClock(), fakeClock()];
  replicas = clocks.map((clock) => store.replica(clock));
  allocator = store.replica();
  sweepers = replicas.map((replica) => replica.container.resolve(ALLOCATION.sweeper));
});

afterAll(() => Promise.all(stores.map((opened) => opened.close())));

const sweepAll = (): Promise<unknown> => Promise.all(sweepers.map((sweeper) => sweeper.tick()));

/** Lets the sweepers work, second by second, until they may judge silence. */
async function watch(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await Promise.all(clocks.map((clock) => clock.advance(1_000)));
    await sweepAll();
  }
}

const silence = (instanceId: string): Promise<unknown> =>
  store.query(`UPDATE servers SET last_seen_at = now() - interval '16 seconds' WHERE instance_id = '${instanceId}'`);

test('two replicas expire 250 overdue reservations once each, free the places and tell everybody', async () => {
  await allocator.register('s1', 200);
  await allocator.register('s2', 200);
  await store.query(`
    INSERT INTO leases (lease_id, game_id, instance_id, state, resource_level, match, expires_at)
    SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 's1' ELSE 's2' END, 'reserved', 'low', '{}', now() - interval '1 s'
    FROM generate_series(1, 250) n`);
  await store.query('UPDATE servers SET used = 125');
  const kept = await allocator.place(randomUUID());
  const results = await Promise.all(sweepers.map((sweeper) => sweeper.tick()));
  const rest = await Promise.all(sweepers.map((sweeper) => sweeper.tick()));
  expect([...results, ...rest].reduce((sum, result) => sum + result.expired, 0)).toBe(250);
  const lost = await store.outbox('allocator.lease_lost');
  expect(lost).toHaveLength(250);
  expect(new Set(lost.map((body) => body.lease_id)).size).toBe(250);
  expect(lost.every((body) => body.reason === 'confirm_timeout')).toBe(true);
  expect(await store.outbox('allocator.game_released')).toHaveLength(250);
  expect(await store.leases(`state = 'reserved'`)).toMatchObject([{ lease_id: kept.lease_id }]);
  expect(await store.violations()).toEqual([]);
});

test('a silent server is lost with its games once, whichever replica sees it', async () => {
  await allocator.register('silent', 5);
  const game = randomUUID();
  const { lease_id } = await allocator.place(game);
  await allocator.confirm('silent', game, lease_id);
  await allocator.place(randomUUID());
  await silence('silent');
  await watch(16);
  expect(await store.leases(`state = 'lost'`)).toHaveLength(2);
  expect(await store.outbox('allocator.lease_lost')).toMatchObject([
    { reason: 'server_lost' },
    { reason: 'server_lost' },
  ]);
  expect(await store.used()).toEqual({ silent: 0 });
  expect(await allocator.assign(game)).toMatchObject({ success: false });
  await expect(allocator.heartbeat('silent')).rejects.toMatchObject({ code: 'ALLOCATOR_SERVER_UNKNOWN' });
  await allocator.register('silent', 5);
  expect(await allocator.assign(game)).toMatchObject({ success: true, instance_id: 'silent' });
});

test('a server that still reports is not lost', async () => {
  await allocator.register('alive', 5);
  await watch(16);
  expect(await store.query('SELECT state FROM servers')).toEqual([{ state: 'ready' }]);
});

test('after a start silence is judged only when the server had its full time to speak', async () => {
  await allocator.register('back', 5);
  await silence('back');
  await watch(14);
  expect(await store.query('SELECT state FROM servers')).toEqual([{ state: 'ready' }]);
  await watch(2);
  expect(await store.query('SELECT state FROM servers')).toEqual([{ state: 'lost' }]);
});

test('after a gap in its own work a sweeper gives every server its full time again', async () => {
  await allocator.register('gap', 5);
  await watch(16);
  await silence('gap');
  await Promise.all(clocks.map((clock) => clock.advance(60_000)));
  await sweepAll();
  await watch(10);
  expect(await store.query('SELECT state FROM servers')).toEqual([{ state: 'ready' }]);
});

test('while its broker link is down a sweeper calls nobody silent, and gives everybody the full time afterwards', async () => {
  await allocator.register('unheard', 5);
  await watch(16);
  for (const replica of replicas) replica.hears = false;
  await silence('unheard');
  await watch(20);
  for (const replica of replicas) replica.hears = true;
  await watch(14);
  expect(await store.query('SELECT state FROM servers')).toEqual([{ state: 'ready' }]);
  await watch(2);
  expect(await store.query('SELECT state FROM servers')).toEqual([{ state: 'lost' }]);
});

test('what ended long ago is forgotten, what lives is not', async () => {
  await allocator.register('old', 5);
  const [gone, recent] = [randomUUID(), randomUUID()];
  await allocator.place(gone);
  await allocator.release(gone);
  await store.query(`UPDATE leases SET ended_at = now() - interval '31 days'`);
  await allocator.place(recent);
  await allocator.release(recent);
  await store.query(`INSERT INTO servers (instance_id, address, region, version, tags, declared_capacity, capacity, state, last_seen_at)
    VALUES ('ancient', 'ws://127.0.0.1:1', 'r', '1', '{}', 1, 1, 'lost', now() - interval '31 days')`);
  await watch(61);
  expect(await store.leases()).toMatchObject([{ game_id: recent }]);
  expect(Object.keys(await store.used())).toEqual(['old']);
});

test('a running sweeper works by itself, survives a lost database connection and stops', async () => {
  const replica = store.replica();
  const sweeper = replica.container.resolve(ALLOCATION.sweeper);
  await allocator.register('run', 5);
  const { lease_id } = await allocator.place(randomUUID());
  sweeper.start();
  await store.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  );
  await store.query(`UPDATE leases SET expires_at = now() - interval '1 second'`);
  await expect
    .poll(() => store.leases(`lease_id = '${lease_id}'`), { timeout: 10_000 })
    .toMatchObject([{ state: 'expired' }]);
  await sweeper.stop();
});
