import { hash32, type Rng } from '@warren/kernel';

const RANGE = 2 ** 32;

/** Random numbers that come again for the same seed (mulberry32). Not for secrets. */
export class SeededRng implements Rng {
  readonly seed: number;
  #state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed >>> 0;
  }

  /** A float in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / RANGE;
  }

  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** Whether something of this probability (0 … 1) happens. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of them. @throws RangeError when there is none */
  pick<T>(from: readonly T[]): T {
    const picked = from[this.int(0, from.length - 1)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** All of them in another order. */
  shuffle<T>(items: readonly T[]): T[] {
    const keyed = items.map((item) => ({ item, at: this.next() }));
    return keyed.sort((one, other) => one.at - other.at).map(({ item }) => item);
  }

  /** A stream of its own, so that one user of randomness does not shift the numbers of another. */
  fork(name: string): SeededRng {
    return new SeededRng(hash32(`${this.seed}:${name}`));
  }
}
