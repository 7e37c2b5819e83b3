import type { LabelValues } from './metrics.ts';

/**
 * Series of one metric that are told apart; what comes after is counted together, so that a label fed from outside
 * cannot fill the memory.
 */
export const MAX_SERIES = 2_000;

/** Label value of every series past MAX_SERIES. */
const OVERFLOW = '(overflow)';

const SEPARATOR = '\u0000';

/**
 * The series of one metric, found by their label values with one map lookup; their labels are checked once, when the
 * series begins.
 */
export class Series<Child> {
  readonly #labels: readonly string[];
  readonly #first: string;
  readonly #make: (labels: LabelValues) => Child;
  readonly #known = new Map<string, Child>();

  constructor(labels: readonly string[], make: (labels: LabelValues) => Child) {
    this.#labels = labels;
    this.#first = labels[0] ?? '';
    this.#make = make;
  }

  find(values: LabelValues): Child {
    return this.#known.get(this.#key(values)) ?? this.#add(values);
  }

  all(): Iterable<Child> {
    return new Set(this.#known.values());
  }

  #key(values: LabelValues): string {
    if (this.#labels.length === 1) return values[this.#first] ?? '';
    let key = '';
    for (const label of this.#labels) key += SEPARATOR + (values[label] ?? '');
    return key;
  }

  #add(values: LabelValues): Child {
    for (const name of Object.keys(values)) {
      if (!this.#labels.includes(name))
        throw new TypeError(`the metric has no label ${name}; it has: ${this.#labels.join(', ')}`);
    }
    const wanted = this.#known.size < MAX_SERIES ? values : {};
    const missing = this.#known.size < MAX_SERIES ? '' : OVERFLOW;
    const labels = Object.fromEntries(this.#labels.map((label) => [label, wanted[label] ?? missing]));
    const key = this.#key(labels);
    const child = this.#known.get(key) ?? this.#make(labels);
    this.#known.set(key, child);
    return child;
  }
}
