import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ServerLease } from '../repositories/lease_repository.ts';
import { reviewGames } from './review_games.ts';

const lease = (gameId: string, changes: Partial<ServerLease> = {}): ServerLease => ({
  leaseId: `lease-${gameId}`,
  gameId,
  state: 'confirmed',
  expiresAt: null,
  overdue: false,
  match: { mode: 'duel', players: [{ player_id: 'p', slot: 0 }], seed: 1 },
  missing: false,
  missingTooLong: false,
  ...changes,
});

test('the first absence of a confirmed game starts a clock and keeps the assignment', () => {
  const review = reviewGames([lease('a'), lease('b')], ['b']);
  expect(review).toMatchObject({ missing: ['lease-a'], back: [], gone: [] });
  expect(review.assignments).toHaveLength(2);
});

test('a game that is back stops the clock', () => {
  expect(reviewGames([lease('a', { missing: true, missingTooLong: true })], ['a'])).toMatchObject({
    missing: [],
    back: ['lease-a'],
    gone: [],
  });
});

test('a game that is absent for too long is gone and no longer assigned', () => {
  const review = reviewGames([lease('a', { missing: true, missingTooLong: true })], []);
  expect(review).toMatchObject({ missing: [], gone: ['lease-a'], assignments: [] });
});

test('a reservation is never missing, and an overdue one is not assigned any more', () => {
  const review = reviewGames([lease('a', { state: 'reserved' }), lease('b', { state: 'reserved', overdue: true })], []);
  expect(review).toMatchObject({ missing: [], back: [], gone: [] });
  expect(review.assignments.map((entry) => entry.gameId)).toEqual(['a']);
});

test('every confirmed lease is in at most one group, and only absent ones are given up', () => {
  const arbitraryLease = fc
    .record({
      state: fc.constantFrom('reserved' as const, 'confirmed' as const),
      missing: fc.boolean(),
      missingTooLong: fc.boolean(),
      overdue: fc.boolean(),
    })
    .map((changes) => ({ ...changes, missingTooLong: changes.missing && changes.missingTooLong }));
  fc.assert(
    fc.property(fc.array(fc.tuple(arbitraryLease, fc.boolean()), { maxLength: 600 }), (entries) => {
      const leases = entries.map(([changes], index) => lease(`g${index}`, changes));
      const running = leases.filter((_, index) => entries[index]?.[1]).map((entry) => entry.gameId);
      const { missing, back, gone } = reviewGames(leases, running);
      const named = [...missing, ...back, ...gone];
      expect(gone.length).toBeLessThanOrEqual(400);
      expect(gone.some((id) => running.includes(id.slice('lease-'.length)))).toBe(false);
      expect(new Set(named).size).toBe(named.length);
      expect(named.every((id) => leases.some((entry) => entry.leaseId === id && entry.state === 'confirmed'))).toBe(
        true,
      );
    }),
    { numRuns: 200 },
  );
});
