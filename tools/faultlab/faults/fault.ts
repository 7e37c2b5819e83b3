import type { SeededRng } from '@warren/testing';
import type { LabSystem } from '../system/lab_system.ts';

/** One fault of a timeline: what happens to what, when, and for how long. */
export interface Fault {
  readonly id: number;
  /** From the begin of the timeline, milliseconds. */
  readonly atMs: number;
  readonly kind: string;
  readonly target: string;
  readonly holdMs: number;
}

/** The system did not do during a fault what it has to do during it. */
export class BrokenPromise extends Error {}

export interface FaultType {
  /** What it may happen to. */
  readonly targets: readonly string[];
  /** How long it lasts at least and at most, milliseconds. */
  readonly holdMs: readonly [number, number];
  /** How long after the hold the system may need before the next fault begins, milliseconds. */
  readonly recoverMs: number;
  /** Begins the fault, holds it, takes it back. Resolves when what was broken works again. */
  readonly inject: (system: LabSystem, fault: Fault, rng: SeededRng) => Promise<void>;
}
