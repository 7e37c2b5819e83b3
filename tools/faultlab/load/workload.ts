import type { SeededRng } from '@warren/testing';
import type { CallManner } from './caller.ts';

/** A kind of work that the load does again and again. One unit of it is one or more commands. */
export interface Workload {
  readonly name: string;
  /** Commands of one unit. */
  readonly commands: number;
  /** Begins one unit; false when everybody who could is busy. */
  begin(): boolean;
}

/** A key that fits the bounds of an Idempotency-Key. */
export const keyOf = (what: string, number: number): string => `${what}-${String(number).padStart(8, '0')}`;

/** How often callers misbehave. */
export interface Manners {
  /** Share of calls whose first attempt is sent twice at once. */
  readonly doubled: number;
  /** Share of calls whose caller walks away after a first attempt that did not succeed. */
  readonly impatient: number;
}

export const drawManner = (rng: SeededRng, manners: Manners): CallManner => ({
  doubled: rng.chance(manners.doubled),
  impatient: rng.chance(manners.impatient),
});
