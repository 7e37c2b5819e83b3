import { SeededRng } from '@warren/testing';
import type { Fault } from '../faults/fault.ts';
import { FAULT_TYPES, type FaultKind } from '../faults/fault_table.ts';

export interface TimelinePlan {
  /** How often each kind comes up per deal of the deck. */
  readonly deck: Partial<Record<FaultKind, number>>;
  /** Restricts a kind to these targets. */
  readonly targets?: Partial<Record<FaultKind, readonly string[]>>;
  /** Calm before the first fault and after the last, milliseconds: the baseline, and the way back to it. */
  readonly calmMs: number;
  /** Share of faults that begin while the one before still holds. */
  readonly overlap: number;
  /** Multiplies the time that faults leave for recovery; 1 unless said. */
  readonly pace?: number;
  /** Ways that are slow from the first fault to the last. */
  readonly slow?: readonly string[];
}

/** After this much of the hold of its predecessor an overlapping fault begins. */
const OVERLAP_SHARE = 0.5;
const LEAST_GAP_MS = 300;

/**
 * The faults of a run: a deck with every kind in its share, shuffled and dealt until the time is over. The same seed and
 * plan give the same timeline.
 */
export function makeTimeline(plan: TimelinePlan, seed: number, durationMs: number): Fault[] {
  const rng = new SeededRng(seed);
  const faults: Fault[] = [];
  const end = durationMs - plan.calmMs;
  for (const target of plan.slow ?? [])
    faults.push({ id: faults.length + 1, atMs: plan.calmMs, kind: 'net.slow', target, holdMs: end - plan.calmMs });
  let deck: FaultKind[] = [];
  let atMs = plan.calmMs;
  while (atMs < end) {
    if (deck.length === 0) deck = rng.shuffle(deckOf(plan));
    const kind = deck.pop();
    if (kind === undefined) break;
    const type = FAULT_TYPES[kind];
    const holdMs = rng.int(...type.holdMs);
    const target = rng.pick(plan.targets?.[kind] ?? type.targets);
    faults.push({ id: faults.length + 1, atMs: Math.round(atMs), kind, target, holdMs });
    atMs += stepMs(plan, { holdMs, recoverMs: type.recoverMs }, rng);
  }
  return faults;
}

function stepMs(plan: TimelinePlan, times: { holdMs: number; recoverMs: number }, rng: SeededRng): number {
  const { holdMs, recoverMs } = times;
  const step = rng.chance(plan.overlap) ? holdMs * OVERLAP_SHARE : holdMs + recoverMs * (plan.pace ?? 1);
  return Math.max(LEAST_GAP_MS, step);
}

function deckOf({ deck }: TimelinePlan): FaultKind[] {
  return Object.keys(FAULT_TYPES)
    .filter((kind): kind is FaultKind => Object.hasOwn(FAULT_TYPES, kind))
    .flatMap((kind) => Array.from({ length: deck[kind] ?? 0 }, () => kind));
}

/** The timeline for people: one line per fault. */
export function describeTimeline(faults: readonly Fault[]): string[] {
  return faults.map(({ id, atMs, kind, target, holdMs }) => {
    const hold = holdMs === 0 ? '' : ` for ${(holdMs / 1_000).toFixed(1)} s`;
    return `#${String(id).padStart(3)} ${(atMs / 1_000).toFixed(1).padStart(6)} s  ${kind.padEnd(24)} ${target}${hold}`;
  });
}
