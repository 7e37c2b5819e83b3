import { randomUUID } from 'node:crypto';
import { MATCH_FAILURES, type MatchFailure } from '@warren/contracts';
import { systemClock } from '@warren/kernel';
import { afterEach, expect, test } from 'vitest';
import type { CoordinationSettings } from '../src/coordination_settings.ts';
import { type MatchRow, TestCoordinator } from './test_coordinator.ts';
import { player, type Replica } from './test_replica.ts';
import { INSTANCE, unreachable } from './test_services.ts';

let store: TestCoordinator;

afterEach(() => store.close());

const someText: unknown = expect.any(String);
const NO_PLACE = { success: false, code: 'ALLOCATOR_NO_CAPACITY', retryable: true } as const;

async function begin(
  settings: Partial<CoordinationSettings> = {},
  prepare: (store: TestCoordinator) => void = () => undefined,
): Promise<Replica> {
  store = await TestCoordinator.open(settings);
  prepare(store);
  const one = store.replica();
  await one.create(player());
  await one.create(player());
  await one.matcher.matchMode('duel');
  one.saga.start();
  return one;
}

/** The whole end of a failed match: no live ticket, one message per player, the place given back, players free to queue. */
async function expectFailed(one: Replica, failure: MatchFailure): Promise<MatchRow> {
  const match = await store.until('failed');
  const { game_id } = match;
  expect(match.failure).toBe(failure);
  const payload = { game_id, mode: 'duel', code: failure, message: MATCH_FAILURES[failure] };
  const told = (await store.outbox('coordinator.match_failed')).map(({ body }) => body);
  expect(told).toEqual(match.players.map((id) => ({ recipient: `player:${id}`, type: 'match.failed', payload })));
  expect((await store.outbox('allocator.release_game')).map(({ body }) => body)).toEqual([
    { game_id, reason: 'failed' },
  ]);
  expect(await store.query("SELECT id FROM tickets WHERE state <> 'failed'")).toEqual([]);
  expect(await store.query('SELECT 1 FROM matches WHERE next_step_at IS NOT NULL OR deadline_at IS NOT NULL')).toEqual(
    [],
  );
  expect(await store.violations()).toEqual([]);
  const [first = ''] = match.players;
  expect(await one.match(player(first), game_id)).toMatchObject({
    state: 'failed',
    failure,
    winner: null,
    ended_at: someText,
  });
  expect((await one.create(player(first))).state).toBe('active');
  return match;
}

async function lease(
  replica: Replica,
  reason: 'confirm_timeout' | 'server_lost',
  leaseId?: string,
  messageId?: string,
): Promise<void> {
  const { game_id, lease_id } = await store.only();
  const payload = { game_id, lease_id: leaseId ?? lease_id ?? randomUUID(), instance_id: INSTANCE, reason };
  await replica.leaseLost(payload, messageId);
}

async function run(one: Replica): Promise<string> {
  const { game_id, players } = await store.until('joining');
  for (const id of players) await one.join(game_id, id);
  return game_id;
}

test('no server has a place in time: MATCH_NO_SERVER, after more than one question', async () => {
  const one = await begin({ noServerTimeoutMs: 700 }, ({ services }) => {
    services.onAssign = () => Promise.resolve(NO_PLACE);
  });
  await expectFailed(one, 'MATCH_NO_SERVER');
  expect(store.services.assigned.length).toBeGreaterThan(1);
});

test('the allocator says that asking again is useless: MATCH_NO_SERVER at once', async () => {
  const one = await begin({}, ({ services }) => {
    services.onAssign = () => Promise.resolve({ ...NO_PLACE, retryable: false });
  });
  await expectFailed(one, 'MATCH_NO_SERVER');
  expect(store.services.assigned).toHaveLength(1);
});

test('the allocator cannot be reached: MATCH_NO_SERVER', async () => {
  const one = await begin({ noServerTimeoutMs: 500 }, ({ services }) => {
    services.onAssign = () => Promise.reject(unreachable());
  });
  await expectFailed(one, 'MATCH_NO_SERVER');
});

test('a server found after the match had failed is given back', async () => {
  const answers: (() => void)[] = [];
  await begin({ noServerTimeoutMs: 300, stepTimeoutMs: 100 }, ({ services }) => {
    services.onAssign = async (gameId) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return services.place(gameId);
    };
  });
  await store.until('failed');
  expect(await store.outbox('allocator.release_game')).toHaveLength(1);
  for (const answer of answers) answer();
  await expect.poll(async () => (await store.outbox('allocator.release_game')).length).toBe(1 + answers.length);
  expect((await store.only()).state).toBe('failed');
  expect(await store.violations()).toEqual([]);
});

test('no join tickets in time: MATCH_INVITE_FAILED', async () => {
  const one = await begin({ inviteTimeoutMs: 500 }, ({ services }) => {
    services.onInvite = () => Promise.reject(unreachable());
  });
  await expectFailed(one, 'MATCH_INVITE_FAILED');
  expect(store.services.invited.length).toBeGreaterThan(1);
});

test('one player never joins: MATCH_PLAYER_ABSENT', async () => {
  const one = await begin({ joinTimeoutMs: 400 });
  const { game_id, players } = await store.until('joining');
  await one.join(game_id, players[0] ?? '');
  await expectFailed(one, 'MATCH_PLAYER_ABSENT');
});

test('the result never comes: MATCH_RESULT_MISSING', async () => {
  const one = await begin({ resultTimeoutMs: 400 });
  await run(one);
  await expectFailed(one, 'MATCH_RESULT_MISSING');
});

test('the server never confirms the match: MATCH_SERVER_SILENT, once, however often the event comes', async () => {
  const one = await begin();
  await store.until('joining');
  const messageId = randomUUID();
  await lease(one, 'confirm_timeout', undefined, messageId);
  await lease(one, 'confirm_timeout', undefined, messageId);
  await lease(one, 'confirm_timeout');
  await expectFailed(one, 'MATCH_SERVER_SILENT');
});

test('the server goes away during the match: MATCH_SERVER_LOST', async () => {
  const one = await begin();
  await run(one);
  await lease(one, 'server_lost');
  await expectFailed(one, 'MATCH_SERVER_LOST');
});

test('the server gives the match up: MATCH_ABORTED, and may say so twice', async () => {
  const one = await begin();
  const gameId = await run(one);
  await expect(one.giveUp(gameId, 'MATCH_ABORTED', 'server-2')).rejects.toMatchObject({
    code: 'COORDINATOR_MATCH_NOT_FOUND',
  });
  expect(await one.giveUp(gameId)).toEqual({ game_id: gameId, state: 'failed' });
  expect(await one.giveUp(gameId)).toEqual({ game_id: gameId, state: 'failed' });
  await expectFailed(one, 'MATCH_ABORTED');
});

test('the loss of another lease of the game, or of its confirmation while it runs, changes nothing', async () => {
  const one = await begin();
  await store.until('joining');
  await lease(one, 'server_lost', randomUUID());
  const gameId = await run(one);
  await lease(one, 'confirm_timeout');
  await one.leaseLost({ game_id: randomUUID(), lease_id: randomUUID(), instance_id: INSTANCE, reason: 'server_lost' });
  expect(await store.only()).toMatchObject({ game_id: gameId, state: 'running' });
});

test('the last join and the end of its time at the same moment: the match runs or has failed, never half of each', async () => {
  const one = await begin({ joinTimeoutMs: 250 });
  const two = store.replica();
  two.saga.start();
  const { game_id, players } = await store.until('joining');
  const [a = '', b = ''] = players;
  await one.join(game_id, a);
  await systemClock.sleep(200);
  const joined = await two.join(game_id, b).then(
    () => true,
    () => false,
  );
  await systemClock.sleep(200);
  expect((await store.only()).state).toBe(joined ? 'running' : 'failed');
  expect(await store.violations()).toEqual([]);
});
