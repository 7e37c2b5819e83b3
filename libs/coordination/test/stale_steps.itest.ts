import { silentLogger, systemClock, systemRng } from '@warren/kernel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Match } from '../src/match.ts';
import { MatchRepository } from '../src/repositories/match_repository.ts';
import { TicketRepository } from '../src/repositories/ticket_repository.ts';
import { MatchEnding } from '../src/services/match_ending.ts';
import { MatchStep } from '../src/services/match_step.ts';
import { SETTINGS, TestCoordinator } from './test_coordinator.ts';
import { player, type Replica } from './test_replica.ts';

const HOUR_MS = 3_600_000;
const TEN = { limit: 10, claimMs: 300 };
const unreadable = (gameId: string, cause: unknown): void => {
  throw new Error(`match ${gameId} cannot be read`, { cause });
};

let store: TestCoordinator;
let one: Replica;
let step: MatchStep;
const matches = new MatchRepository();
const neverStopping = new AbortController().signal;

beforeEach(async () => {
  store = await TestCoordinator.open();
  one = store.replica();
  const logger = silentLogger();
  const ending = new MatchEnding({ matches, tickets: new TicketRepository(), logger });
  const { unitOfWork } = one;
  const { services: calls } = store;
  step = new MatchStep({
    unitOfWork,
    matches,
    ending,
    calls,
    settings: SETTINGS,
    clock: systemClock,
    rng: systemRng,
    logger,
  });
  await one.create(player());
  await one.create(player());
  await one.matcher.matchMode('duel');
});

afterEach(() => store.close());

/** Claims the match as two replicas would, the first of which was away for too long. */
async function claim(): Promise<Match> {
  await store.query("UPDATE matches SET next_step_at = now() - interval '1 second'");
  const [match] = await matches.claimDue(one.database.read, { limit: 1, claimMs: HOUR_MS }, unreadable);
  if (match === undefined) throw new Error('nothing was due');
  return match;
}

const late = (match: Match): Match => ({ ...match, readAt: new Date(match.readAt.getTime() + HOUR_MS) });

test('a step that was claimed twice is performed twice and counts once', async () => {
  const [first, second] = [await claim(), await claim()];
  await Promise.all([step.run(first, neverStopping), step.run(second, neverStopping)]);
  expect(await store.only()).toMatchObject({ state: 'inviting' });
  expect(await store.outbox('allocator.release_game')).toEqual([]);
  const [third, fourth] = [await claim(), await claim()];
  await Promise.all([step.run(third, neverStopping), step.run(fourth, neverStopping)]);
  expect(await store.only()).toMatchObject({ state: 'joining' });
  expect(await store.outbox('coordinator.match_found')).toHaveLength(2);
});

test('a step of an earlier state changes nothing, whatever it ends in', async () => {
  const allocating = await claim();
  await step.run(allocating, neverStopping);
  const inviting = await claim();
  await step.run(inviting, neverStopping);
  const before = await store.query('SELECT * FROM matches');
  store.services.onAssign = () => Promise.resolve({ success: false, code: 'ALLOCATOR_NO_SERVER', retryable: true });
  for (const stale of [allocating, inviting, late(allocating), late(inviting)]) await step.run(stale, neverStopping);
  expect(await store.query('SELECT * FROM matches')).toEqual(before);
  expect(await store.outbox('coordinator.match_found')).toHaveLength(2);
  expect(await store.outbox('coordinator.match_failed')).toEqual([]);
  expect(await store.outbox('allocator.release_game')).toEqual([]);
});

test('a match that runs by now is not failed by the look at its joining that came too late', async () => {
  await step.run(await claim(), neverStopping);
  await step.run(await claim(), neverStopping);
  const joining = await claim();
  const { game_id, players } = await store.only();
  for (const id of players) await one.join(game_id, id);
  expect(await step.run(late(joining), neverStopping)).toBe('fail');
  expect(await store.only()).toMatchObject({ state: 'running', failure: null });
  expect(await store.outbox('coordinator.match_failed')).toEqual([]);
});

test('two replicas that find the time over fail the match once', async () => {
  const [first, second] = [late(await claim()), late(await claim())];
  await Promise.all([step.run(first, neverStopping), step.run(second, neverStopping)]);
  expect(await store.only()).toMatchObject({ state: 'failed', failure: 'MATCH_NO_SERVER' });
  expect(await store.outbox('coordinator.match_failed')).toHaveLength(2);
  expect(await store.violations()).toEqual([]);
});

test('a claimed match is nobody else’s until the claim is over, then it comes due again', async () => {
  await store.query('UPDATE matches SET next_step_at = now()');
  const claimed = await Promise.all([1, 2, 3].map(() => matches.claimDue(one.database.read, TEN, unreadable)));
  expect(claimed.flat()).toHaveLength(1);
  expect(await matches.claimDue(one.database.read, TEN, unreadable)).toEqual([]);
  await systemClock.sleep(350);
  const [again] = await matches.claimDue(one.database.read, TEN, unreadable);
  expect(again?.stepAttempts).toBe(2);
  expect(again?.stepKey).toBe(claimed.flat()[0]?.stepKey);
});
