import type { Counter } from '@warren/telemetry';

/** A counter with one label, whose label sets are made once: counting on the hot path makes no objects. */
export class Tally<K extends string> {
  readonly #counter: Counter;
  readonly #label: string;
  readonly #sets = new Map<K, Readonly<Record<string, string>>>();

  constructor(counter: Counter, label: string) {
    this.#counter = counter;
    this.#label = label;
  }

  add(value: K): void {
    this.#counter.inc(this.#sets.get(value) ?? this.#setOf(value));
  }

  #setOf(value: K): Readonly<Record<string, string>> {
    const labels = Object.freeze({ [this.#label]: value });
    this.#sets.set(value, labels);
    return labels;
  }
}
