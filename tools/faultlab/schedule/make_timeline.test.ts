import { expect, test } from 'vitest';
import { faultType } from '../faults/fault_table.ts';
import { PROFILES } from '../profiles.ts';
import { describeTimeline, makeTimeline } from './make_timeline.ts';

const MINUTE_MS = 60_000;
const { mixed } = PROFILES;
if (mixed === undefined) throw new Error('the mixed profile is gone');

test('the same seed gives the same timeline, another seed another one', () => {
  const one = makeTimeline(mixed.plan, 42, 10 * MINUTE_MS);
  expect(makeTimeline(mixed.plan, 42, 10 * MINUTE_MS)).toEqual(one);
  expect(makeTimeline(mixed.plan, 43, 10 * MINUTE_MS)).not.toEqual(one);
});

test('ten minutes hold at least sixty faults, at least twenty of them kills of the broker or Postgres', () => {
  for (const seed of [1, 2, 3, 42]) {
    const faults = makeTimeline(mixed.plan, seed, 10 * MINUTE_MS);
    expect(faults.length).toBeGreaterThanOrEqual(60);
    const kills = faults.filter(({ kind }) => kind === 'broker.kill' || kind === 'postgres.kill');
    expect(kills.length).toBeGreaterThanOrEqual(20);
  }
});

test('every fault is known, has one of its targets, and falls between the calm at both ends', () => {
  const faults = makeTimeline(mixed.plan, 7, 10 * MINUTE_MS);
  for (const { kind, target, holdMs, atMs } of faults) {
    const type = faultType(kind);
    expect(type.targets).toContain(target);
    expect(holdMs).toBeGreaterThanOrEqual(type.holdMs[0]);
    expect(holdMs).toBeLessThanOrEqual(type.holdMs[1]);
    expect(atMs).toBeGreaterThanOrEqual(mixed.plan.calmMs);
    expect(atMs).toBeLessThan(10 * MINUTE_MS - mixed.plan.calmMs);
  }
  expect(describeTimeline(faults)).toHaveLength(faults.length);
});
