import { randomUUID } from 'node:crypto';
import { systemClock } from '@warren/kernel';
import { afterEach, describe, expect, test } from 'vitest';
import { TestCoordinator } from './test_coordinator.ts';
import { player, type Replica } from './test_replica.ts';
import { ADDRESS, INSTANCE, unreachable } from './test_services.ts';

let store: TestCoordinator;

afterEach(() => store.close());

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  );
const someText: unknown = expect.any(String);
const STATE_HASH = 'ab'.repeat(16);

/** Queues players and makes their matches. */
async function matched(replica: Replica, matches: number): Promise<void> {
  for (let index = 0; index < 2 * matches; index++) await replica.create(player());
  await replica.matcher.matchMode('duel');
}

async function running(replica: Replica): Promise<{ gameId: string; players: string[] }> {
  await matched(replica, 1);
  replica.saga.start();
  const { game_id: gameId, players } = await store.until('joining');
  for (const id of players) await replica.join(gameId, id);
  return { gameId, players };
}

describe('the match saga', () => {
  test('tells each player once where the match is, with a ticket of their own', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    await matched(one, 1);
    one.saga.start();
    const { game_id, players } = await store.until('joining');
    const found = await store.outbox('coordinator.match_found');
    expect(found.map(({ body }) => body)).toEqual(
      players.map((id, slot) => ({
        recipient: `player:${id}`,
        type: 'match.found',
        payload: {
          game_id,
          mode: 'duel',
          address: ADDRESS,
          slot,
          join_ticket: `join-${id}`,
          expires_at: someText,
          players: players.map((player_id, index) => ({ player_id, slot: index })),
        },
      })),
    );
  });

  test('two replicas on 20 matches perform every step once', async () => {
    store = await TestCoordinator.open();
    store.services.onInvite = () => systemClock.sleep(Math.random() * 20);
    const one = store.replica();
    await matched(one, 20);
    one.saga.start();
    store.replica().saga.start();
    await expect
      .poll(async () => (await store.matches()).every(({ state }) => state === 'joining'), { timeout: 10_000 })
      .toBe(true);
    const { assigned, invited } = store.services;
    expect(new Set(assigned.map(({ gameId }) => gameId)).size).toBe(20);
    expect([assigned.length, invited.length]).toEqual([20, 20]);
    expect(await store.outbox('coordinator.match_found')).toHaveLength(40);
    expect(await store.violations()).toEqual([]);
  });

  test('asks again with the same key when the allocator does not answer, and goes on when it does', async () => {
    store = await TestCoordinator.open();
    const { services } = store;
    services.onAssign = async (gameId, attempt) => {
      const late = services.place(gameId);
      if (attempt < 3) throw unreachable();
      return late;
    };
    const one = store.replica();
    await matched(one, 1);
    one.saga.start();
    const match = await store.until('joining');
    expect(match.lease_id).toBe(services.leases.get(match.game_id));
    expect(services.assigned).toHaveLength(3);
    expect(new Set(services.assigned.map(({ messageId }) => messageId)).size).toBe(1);
    expect(services.invited[0]?.messageId).not.toBe(services.assigned[0]?.messageId);
  });

  test.for([
    { name: 'before it calls the allocator', commits: 0, prepare: () => undefined },
    { name: 'after the allocator answered', commits: 0, prepare: undefined },
    { name: 'after auth issued the join tickets', commits: 1, prepare: undefined },
  ])('a coordinator killed $name is taken over by another replica', async ({ commits, prepare }) => {
    store = await TestCoordinator.open({ stepTimeoutMs: 150 });
    const doomed = store.replica();
    const heir = store.replica();
    await matched(doomed, 1);
    doomed.unitOfWork.commitsToLive = commits;
    if (prepare !== undefined) store.services.onAssign = () => Promise.reject(new Error('the process is gone'));
    doomed.saga.start();
    await expect.poll(() => store.services.assigned.length + store.services.invited.length).toBe(1 + commits);
    await doomed.saga.stop();
    const stuck = await store.only();
    expect(stuck.state).toBe(commits === 0 ? 'allocating' : 'inviting');
    store.services.onAssign = (gameId) => Promise.resolve(store.services.place(gameId));
    heir.saga.start();
    await store.until('joining');
    expect(new Set(store.services.assigned.map(({ messageId }) => messageId)).size).toBe(1);
    expect(await store.outbox('coordinator.match_found')).toHaveLength(2);
  });

  test('a replica that stops gives its call up and hands the match over at once', async () => {
    store = await TestCoordinator.open({ stepTimeoutMs: 30_000 });
    const { services } = store;
    const one = store.replica();
    const two = store.replica();
    await matched(one, 1);
    const calls = { assignGame: services.assignGame.bind(services) };
    services.assignGame = (dto, options) =>
      new Promise((_, reject) => {
        services.assigned.push({ gameId: dto.game_id, messageId: options.messageId });
        options.signal.addEventListener('abort', () => reject(unreachable()), { once: true });
      });
    one.saga.start();
    await expect.poll(() => services.assigned.length).toBe(1);
    await one.saga.stop();
    services.assignGame = calls.assignGame;
    two.saga.start();
    await store.until('joining');
  });
});

describe('a running match', () => {
  test('runs when the last player has joined; joins may be repeated', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    await matched(one, 1);
    one.saga.start();
    const { game_id, players } = await store.until('joining');
    const [a = '', b = ''] = players;
    expect(await one.join(game_id, a)).toEqual({ game_id, state: 'joining' });
    expect(await one.join(game_id, a)).toEqual({ game_id, state: 'joining' });
    expect((await one.match(player(b), game_id)).players.map(({ joined }) => joined)).toEqual([true, false]);
    expect(await one.join(game_id, b)).toEqual({ game_id, state: 'running' });
    expect(await one.join(game_id, b)).toEqual({ game_id, state: 'running' });
    expect(await code(one.join(game_id, randomUUID()))).toBe('COORDINATOR_RESULT_INVALID');
    expect(await code(one.join(game_id, a, 'server-2'))).toBe('COORDINATOR_MATCH_NOT_FOUND');
  });

  test('parallel joins of all players over two replicas make it run', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    const two = store.replica();
    await matched(one, 1);
    one.saga.start();
    const { game_id, players } = await store.until('joining');
    const [a = '', b = ''] = players;
    const replies = await Promise.all([one.join(game_id, a), two.join(game_id, b)]);
    expect(replies.map(({ state }) => state).sort()).toEqual(['joining', 'running']);
    expect((await store.only()).state).toBe('running');
  });

  test('ends with its result: players are told, tickets are free, the place is given back, all in the trace of the match', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    const { gameId, players } = await running(one);
    const [winner = '', loser = ''] = players;
    const scores = [
      { player_id: winner, score: 7 },
      { player_id: loser, score: -3 },
    ];
    const reply = await one.result({ game_id: gameId, winner, scores, state_hash: STATE_HASH, inputs: 240 });
    expect(reply).toEqual({ game_id: gameId, state: 'ended' });
    const match = await one.match(player(loser), gameId);
    expect(match).toMatchObject({
      state: 'ended',
      winner,
      scores,
      failure: null,
      instance_id: INSTANCE,
      ended_at: someText,
    });
    const ended = await store.outbox('coordinator.match_ended');
    const payload = { game_id: gameId, mode: 'duel', winner, scores, trace_id: match.trace_id };
    expect(ended.map(({ body }) => body)).toEqual(
      players.map((id) => ({ recipient: `player:${id}`, type: 'match.ended', payload })),
    );
    expect(new Set(ended.map(({ trace }) => trace))).toEqual(new Set([match.trace_id]));
    expect((await store.outbox('allocator.release_game')).map(({ body }) => body)).toEqual([
      { game_id: gameId, reason: 'ended' },
    ]);
    expect((await one.create(player(winner))).state).toBe('active');
    expect(await store.violations()).toEqual([]);
  });

  test('the same result again changes nothing; another one, a failure and a lost lease are too late', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    const { gameId, players } = await running(one);
    const [winner = '', loser = ''] = players;
    const dto = {
      game_id: gameId,
      winner,
      scores: [{ player_id: winner, score: 1 }],
      state_hash: STATE_HASH,
      inputs: 240,
    };
    const messageId = randomUUID();
    await one.result(dto, INSTANCE, { messageId });
    expect(await one.result(dto, INSTANCE, { messageId })).toEqual({ game_id: gameId, state: 'ended' });
    expect(await one.result(dto)).toEqual({ game_id: gameId, state: 'ended' });
    expect(await code(one.result({ ...dto, winner: loser }))).toBe('COORDINATOR_MATCH_NOT_RUNNING');
    expect(await code(one.giveUp(gameId))).toBe('COORDINATOR_MATCH_NOT_RUNNING');
    expect(await code(one.join(gameId, winner))).toBe('COORDINATOR_MATCH_NOT_RUNNING');
    const leaseId = (await store.only()).lease_id ?? '';
    await one.leaseLost({ game_id: gameId, lease_id: leaseId, instance_id: INSTANCE, reason: 'server_lost' });
    expect(await one.match(player(winner), gameId)).toMatchObject({ state: 'ended', winner });
    expect(await store.violations()).toEqual([]);
  });

  test('two different results at the same moment: one ends the match, the other is refused', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    const { gameId, players } = await running(one);
    const results = players.map((winner) => ({
      game_id: gameId,
      winner,
      scores: [{ player_id: winner, score: 1 }],
      state_hash: STATE_HASH,
      inputs: 1,
    }));
    const two = store.replica();
    const outcomes = await Promise.all(results.map((dto, index) => code((index === 0 ? one : two).result(dto))));
    expect(new Set(outcomes)).toEqual(new Set(['COORDINATOR_MATCH_NOT_RUNNING', 'no error']));
    expect(await store.violations()).toEqual([]);
  });

  test('refuses results that do not fit the match, and results of another server', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    const { gameId, players } = await running(one);
    const [winner = ''] = players;
    const stranger = randomUUID();
    const dto = {
      game_id: gameId,
      winner,
      scores: [{ player_id: winner, score: 1 }],
      state_hash: STATE_HASH,
      inputs: 1,
    };
    const twice = [...dto.scores, ...dto.scores];
    const fields = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        () => 'no error',
        (error: { fields?: { path: string }[] }) => error.fields?.map(({ path }) => path),
      );
    expect(await fields(one.result({ ...dto, winner: stranger }))).toEqual(['winner']);
    expect(await fields(one.result({ ...dto, scores: [{ player_id: stranger, score: 1 }] }))).toEqual([
      'scores.0.player_id',
    ]);
    expect(await fields(one.result({ ...dto, scores: twice }))).toEqual(['scores.1.player_id']);
    expect(await code(one.result(dto, 'server-2'))).toBe('COORDINATOR_MATCH_NOT_FOUND');
    expect(await code(one.result({ ...dto, game_id: randomUUID() }))).toBe('COORDINATOR_MATCH_NOT_FOUND');
    expect((await store.only()).state).toBe('running');
  });

  test('a result before every player has joined is refused', async () => {
    store = await TestCoordinator.open();
    const one = store.replica();
    await matched(one, 1);
    one.saga.start();
    const { game_id, players } = await store.until('joining');
    const [winner = ''] = players;
    const dto = { game_id, winner, scores: [{ player_id: winner, score: 1 }], state_hash: STATE_HASH, inputs: 1 };
    expect(await code(one.result(dto))).toBe('COORDINATOR_MATCH_NOT_RUNNING');
  });
});
