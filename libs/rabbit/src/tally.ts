import type { Counter, CounterSeries } from '@warren/telemetry';

/** A counter with one label, whose series are found once: counting on the hot path costs an addition. */
export class Tally<K extends string> {
  readonly #counter: Counter;
  readonly #label: string;
  readonly #series = new Map<K, CounterSeries>();

  constructor(counter: Counter, label: string) {
    this.#counter = counter;
    this.#label = label;
  }

  add(value: K): void {
    const series = this.#series.get(value) ?? this.#seriesOf(value);
    series.inc();
  }

  #seriesOf(value: K): CounterSeries {
    const series = this.#counter.series({ [this.#label]: value });
    this.#series.set(value, series);
    return series;
  }
}
