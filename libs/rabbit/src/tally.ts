import type { Counter } from '@warren/telemetry';

/** One label set of a counter, so that counting on the hot path makes no objects. */
export class Tally {
  readonly #counter: Counter;
  readonly #labels: Readonly<Record<string, string>>;

  constructor(counter: Counter, labels: Readonly<Record<string, string>>) {
    this.#counter = counter;
    this.#labels = labels;
  }

  add(): void {
    this.#counter.inc(this.#labels);
  }
}

/** One tally per value of a single label. */
export function tallies<K extends string>(counter: Counter, label: string, values: readonly K[]): Record<K, Tally> {
  const made: Partial<Record<K, Tally>> = {};
  for (const value of values) made[value] = new Tally(counter, { [label]: value });
  return made as Record<K, Tally>;
}
