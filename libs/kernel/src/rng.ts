import { randomInt } from 'node:crypto';

/** Randomness as a dependency: a float in [0, 1). */
export interface Rng {
  next(): number;
}

const RANGE = 2 ** 47;

export const systemRng: Rng = { next: () => randomInt(RANGE) / RANGE };
