import type { Rng } from '@warren/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Candidate, loadOf, type PickRequest, pickServer } from './pick_server.ts';

const LOW: PickRequest = { resourceLevel: 'low', freshWithinMs: 6_000 };
const HIGH: PickRequest = { resourceLevel: 'high', freshWithinMs: 6_000 };

/** A seeded generator (mulberry32), so that a failing case can be repeated. */
function seeded(seed: number): Rng {
  let state = seed >>> 0;
  return {
    next: () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
  };
}

const server = (
  instanceId: string,
  load: { cpu?: number; ram?: number; games?: number; ageMs?: number } = {},
  used = 0,
  capacity = 10,
): Candidate => ({
  instanceId,
  capacity,
  used,
  sample: { cpu: 0.5, ram: 0.5, games: used, ageMs: 0, ...load },
});

const arbitrarySample = fc.record({
  cpu: fc.double({ min: 0, max: 1, noNaN: true }),
  ram: fc.double({ min: 0, max: 1, noNaN: true }),
  games: fc.nat(20),
  ageMs: fc.nat(20_000),
});
const arbitraryCandidates = fc
  .uniqueArray(
    fc.record({
      instanceId: fc.stringMatching(/^[a-z0-9]{1,6}$/),
      capacity: fc.integer({ min: 1, max: 20 }),
      used: fc.nat(20),
      sample: fc.option(arbitrarySample, { nil: undefined }),
    }),
    { selector: (candidate) => candidate.instanceId, maxLength: 12 },
  )
  .map((list) =>
    list.map(
      ({ sample, ...rest }): Candidate => ({
        ...rest,
        used: Math.min(rest.used, rest.capacity),
        ...(sample && { sample }),
      }),
    ),
  );
const arbitraryRequest = fc.constantFrom(LOW, HIGH);

test('low compares CPU and high compares RAM', () => {
  const fleet = [server('a', { cpu: 0.1, ram: 0.9 }), server('b', { cpu: 0.9, ram: 0.1 })];
  expect(pickServer(fleet, LOW, seeded(1)).choice).toBe('a');
  expect(pickServer(fleet, HIGH, seeded(1)).choice).toBe('b');
});

test('games placed since the sample count as load', () => {
  const burdened: Candidate = { ...server('a', { cpu: 0.1, games: 0 }), used: 5 };
  const fleet = [burdened, server('b', { cpu: 0.4 })];
  expect(loadOf(burdened, LOW)).toBeCloseTo(0.6);
  expect(pickServer(fleet, LOW, seeded(1)).choice).toBe('b');
});

test('without a free place nothing is chosen, and the reasons say so', () => {
  expect(pickServer([server('a', {}, 10)], LOW, seeded(1))).toEqual({
    choice: null,
    reasons: [{ instanceId: 'a', verdict: 'full' }],
  });
  expect(pickServer([], LOW, seeded(1))).toEqual({ choice: null, reasons: [] });
});

test('when no metrics are fresh, the share of taken places decides', () => {
  const fleet = [server('a', { cpu: 0.01, ageMs: 6_001 }, 5), server('b', { cpu: 0.99, ageMs: 6_001 }, 4)];
  expect(pickServer(fleet, LOW, seeded(1)).choice).toBe('b');
});

test('a server whose metrics are stale is not taken while another is seen, even when that one is full', () => {
  const fleet = [server('a', { ageMs: 7_000 }), server('b', {}, 10)];
  expect(pickServer(fleet, LOW, seeded(1)).choice).toBeNull();
});

test('a burst without new metrics spreads over equal servers instead of herding', () => {
  const rng = seeded(42);
  let fleet: readonly Candidate[] = Array.from({ length: 10 }, (_, i) =>
    server(`s${i}`, { cpu: 0.2, games: 0 }, 0, 50),
  );
  for (let game = 0; game < 200; game++) {
    const { choice } = pickServer(fleet, LOW, rng);
    fleet = fleet.map((candidate) =>
      candidate.instanceId === choice ? { ...candidate, used: candidate.used + 1 } : candidate,
    );
  }
  const used = fleet.map((candidate) => candidate.used);
  expect(used.reduce((sum, count) => sum + count, 0)).toBe(200);
  expect(Math.max(...used) / Math.min(...used)).toBeLessThanOrEqual(1.5);
});

test('the choice always has a place, is fresh while any is, and does not depend on the order of the candidates', () => {
  fc.assert(
    fc.property(arbitraryCandidates, arbitraryRequest, fc.integer(), (fleet, request, seed) => {
      const { choice, reasons } = pickServer(fleet, request, seeded(seed));
      expect(pickServer([...fleet].reverse(), request, seeded(seed))).toEqual({ choice, reasons });
      expect(reasons.map((reason) => reason.instanceId).sort()).toEqual(
        fleet.map((candidate) => candidate.instanceId).sort(),
      );
      expect(reasons.filter((reason) => reason.verdict === 'chosen').map((reason) => reason.instanceId)).toEqual(
        choice === null ? [] : [choice],
      );
      const fresh = fleet.filter(
        (candidate) => candidate.sample !== undefined && candidate.sample.ageMs <= request.freshWithinMs,
      );
      const eligible = (fresh.length > 0 ? fresh : fleet).filter((candidate) => candidate.used < candidate.capacity);
      expect(choice === null).toBe(eligible.length === 0);
      if (choice !== null) expect(eligible.map((candidate) => candidate.instanceId)).toContain(choice);
    }),
    { numRuns: 2_000 },
  );
});

test('of three or more servers the most loaded one is never chosen', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 1_000 }), { minLength: 3, maxLength: 8 }),
      fc.integer(),
      (loads, seed) => {
        const fleet = loads.map((load, index) => server(`s${index}`, { cpu: load / 1_000 }));
        const worst = `s${loads.indexOf(Math.max(...loads))}`;
        expect(pickServer(fleet, LOW, seeded(seed)).choice).not.toBe(worst);
      },
    ),
    { numRuns: 1_000 },
  );
});
