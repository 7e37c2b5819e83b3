/** A splitmix32 generator. Its whole state is one unsigned 32-bit integer, so it can be part of a state hash. */
export interface Rng {
  state: number;
}

/** A generator for a seed; only the low 32 bits of the seed count. */
export function createRng(seed: number): Rng {
  return { state: seed >>> 0 };
}

function nextUint32(rng: Rng): number {
  rng.state = (rng.state + 0x9e3779b9) >>> 0;
  let mixed = rng.state;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** The next integer in 0 … below-1, for 1 ≤ below ≤ 65536 (the bias is below 2^-16). */
export function nextInt(rng: Rng, below: number): number {
  return nextUint32(rng) % below;
}

/** One of the items; undefined only for an empty list, for which no number is drawn. */
export function pick<T>(rng: Rng, items: readonly T[]): T | undefined {
  return items.length === 0 ? undefined : items[nextInt(rng, items.length)];
}
