import { randomUUID } from 'node:crypto';
import { startTrace } from '@warren/kernel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ModeRepository } from '../src/repositories/mode_repository.ts';
import { TestCoordinator } from './test_coordinator.ts';
import { player, type Replica } from './test_replica.ts';

let store: TestCoordinator;
let one: Replica;
let two: Replica;

beforeEach(async () => {
  store = await TestCoordinator.open();
  one = store.replica();
  two = store.replica();
});

afterEach(() => store.close());

const code = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'no error',
    (error: { code?: unknown }) => error.code,
  );

describe('tickets', () => {
  test('a ticket comes back with its client tag unchanged, whatever characters it holds', async () => {
    const clientTag = '‮ \u0001 "quoted" \\ 𝒢 🐇 ﷽ ';
    const actor = player();
    const ticket = await one.create(actor, 'duel', { clientTag });
    expect(ticket).toMatchObject({ mode: 'duel', client_tag: clientTag, state: 'active', game_id: null });
    expect(await two.ticket(actor, ticket.ticket_id)).toEqual(ticket);
  });

  test('20 parallel requests of one player over two replicas make one ticket', async () => {
    const actor = player();
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => code((index % 2 === 0 ? one : two).create(actor))),
    );
    expect(outcomes.filter((outcome) => outcome === 'no error')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'COORDINATOR_TICKET_ACTIVE')).toHaveLength(19);
    expect(await store.query('SELECT id FROM tickets')).toHaveLength(1);
  });

  test('the same request repeated with its key is answered with the same ticket', async () => {
    const actor = player();
    const messageId = randomUUID();
    const first = await one.create(actor, 'duel', { messageId });
    expect(await two.create(actor, 'duel', { messageId })).toEqual(first);
    expect(await store.query('SELECT id FROM tickets')).toHaveLength(1);
  });

  test('a mode that is not there, and an actor that is no player, are refused', async () => {
    expect(await code(one.create(player(), 'quartet'))).toBe('COORDINATOR_MODE_UNKNOWN');
    expect(await code(one.create({ kind: 'server', id: 'server-1' }))).toBe('ACCESS_FORBIDDEN');
  });

  test('another player sees and cancels nothing', async () => {
    const ticket = await one.create(player());
    expect(await code(one.ticket(player(), ticket.ticket_id))).toBe('COORDINATOR_TICKET_NOT_FOUND');
    expect(await code(one.cancel(player(), ticket.ticket_id))).toBe('COORDINATOR_TICKET_NOT_FOUND');
  });

  test('a cancelled ticket stays cancelled, is not matched, and frees its player', async () => {
    const actor = player();
    const ticket = await one.create(actor);
    expect((await one.cancel(actor, ticket.ticket_id)).state).toBe('cancelled');
    expect((await two.cancel(actor, ticket.ticket_id)).state).toBe('cancelled');
    await one.create(player());
    expect(await one.matcher.matchMode('duel')).toBe(0);
    expect((await one.create(actor)).ticket_id).not.toBe(ticket.ticket_id);
    expect(await one.matcher.matchMode('duel')).toBe(1);
  });
});

describe('the matcher', () => {
  test('50 players who queue at once on two replicas play 25 matches, nobody in two', async () => {
    one.start();
    two.start();
    const actors = Array.from({ length: 50 }, () => player());
    await Promise.all(actors.map((actor, index) => (index % 2 === 0 ? one : two).create(actor)));
    await expect.poll(async () => (await store.outbox('coordinator.match_found')).length, { timeout: 10_000 }).toBe(50);
    const matches = await store.matches();
    expect(matches).toHaveLength(25);
    expect(matches.flatMap(({ players }) => players).sort()).toEqual(actors.map(({ id }) => id).sort());
    expect(await store.query("SELECT id FROM tickets WHERE state <> 'matched' OR game_id IS NULL")).toEqual([]);
    expect(await store.violations()).toEqual([]);
  });

  test('leaves a mode that another replica holds, and tickets are taken meanwhile', async () => {
    await one.create(player());
    await one.database.transaction(async (tx) => {
      expect(await new ModeRepository().lock(tx, 'duel')).toMatchObject({ name: 'duel', players: 2 });
      await two.create(player());
      expect(await two.matcher.matchMode('duel')).toBe('contended');
    });
    expect(await two.matcher.matchMode('duel')).toBe(1);
  });

  test('takes the oldest first and gives them slots in the order of their tickets', async () => {
    const actors = [player(), player(), player(), player(), player()];
    for (const actor of actors) await one.create(actor);
    expect(await one.matcher.matchMode('duel')).toBe(2);
    const groups = (await store.matches()).map(({ players }) => players.join());
    const [a, b, c, d] = actors.map(({ id }) => id);
    expect(groups.sort()).toEqual([`${a},${b}`, `${c},${d}`].sort());
  });

  test('a mode for three waits for the third, and modes do not mix', async () => {
    for (const mode of ['trio', 'trio', 'duel']) await one.create(player(), mode);
    expect([await one.matcher.matchMode('trio'), await one.matcher.matchMode('duel')]).toEqual([0, 0]);
    await one.create(player(), 'trio');
    expect(await one.matcher.matchMode('trio')).toBe(1);
    expect((await store.only()).players).toHaveLength(3);
  });

  test('a mode that nobody can read keeps no other mode waiting', async () => {
    await store.query(`INSERT INTO modes (name, players, settings) VALUES ('broken', 2, '{"resource_level": "most"}')`);
    for (const mode of ['broken', 'broken', 'duel', 'duel']) await one.create(player(), mode);
    one.matcher.start();
    await expect.poll(async () => (await store.matches()).length, { timeout: 5_000 }).toBe(1);
  });

  test('a match that nobody can read keeps no other match waiting', async () => {
    for (let n = 0; n < 6; n++) await one.create(player());
    expect(await one.matcher.matchMode('duel')).toBe(3);
    await store.query(`UPDATE matches SET rules = '{}', next_step_at = now() - interval '1 hour'
      WHERE game_id = (SELECT min(game_id::text)::uuid FROM matches)`);
    one.saga.start();
    const states = async (): Promise<string[]> => (await store.matches()).map(({ state }) => state).sort();
    await expect.poll(states, { timeout: 5_000 }).toEqual(['allocating', 'joining', 'joining']);
  });

  test('a match belongs to the trace of the request that completed it', async () => {
    const trace = startTrace();
    const last = player();
    await one.create(player());
    await one.create(last, 'duel', { trace });
    await one.matcher.matchMode('duel');
    const { game_id } = await store.only();
    expect((await one.match(last, game_id)).trace_id).toBe(trace.traceId);
    one.saga.start();
    await store.until('joining');
    expect((await store.outbox('coordinator.match_found')).map((row) => row.trace)).toEqual([
      trace.traceId,
      trace.traceId,
    ]);
  });

  test('of a cancellation and a match at the same moment exactly one wins', async () => {
    for (let round = 0; round < 20; round++) {
      const actor = player();
      const ticket = await one.create(actor);
      await one.create(player());
      const [cancelled] = await Promise.all([code(two.cancel(actor, ticket.ticket_id)), one.matcher.matchMode('duel')]);
      const { state } = await one.ticket(actor, ticket.ticket_id);
      expect([cancelled, state]).toEqual(
        cancelled === 'no error' ? ['no error', 'cancelled'] : ['COORDINATOR_TICKET_MATCHED', 'matched'],
      );
      await store.query("UPDATE tickets SET state = 'cancelled', game_id = NULL WHERE state = 'active'");
    }
    expect(await store.violations()).toEqual([]);
  });

  test('only players of a match may read it', async () => {
    const actor = player();
    await one.create(actor);
    await one.create(player());
    await one.matcher.matchMode('duel');
    const { game_id } = await store.only();
    expect(await one.match(actor, game_id)).toMatchObject({
      state: 'allocating',
      instance_id: null,
      winner: null,
      scores: [],
      ended_at: null,
    });
    expect(await code(one.match(player(), game_id))).toBe('COORDINATOR_MATCH_NOT_FOUND');
    expect(await code(one.match(actor, randomUUID()))).toBe('COORDINATOR_MATCH_NOT_FOUND');
  });
});
