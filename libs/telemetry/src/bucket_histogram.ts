import { Histogram, type Registry } from '@prometheus-io/client';
import type { LabelValues } from './metrics.ts';
import { Series } from './series.ts';

/** One exported value, as the registry of the library renders it. */
interface Exported {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The counts of one series. */
export class Buckets {
  readonly counts: number[];
  readonly #bounds: readonly number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.sum += value;
    this.count++;
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i++) {
      if (value <= (bounds[i] ?? 0)) {
        this.counts[i] = (this.counts[i] ?? 0) + 1;
        return;
      }
    }
  }
}

type ExportedHistogram = Awaited<ReturnType<Histogram<string>['get']>>;

/**
 * A histogram of the library with counts of its own: the library's merges label objects with every observation; ours
 * adds to three numbers and puts the labels together when somebody reads the metrics.
 */
export class BucketHistogram extends Histogram<string> {
  readonly #bounds: readonly number[];
  readonly #names: readonly string[];
  readonly #help: string;
  readonly #name: string;
  readonly #series: Series<{ readonly labels: LabelValues; readonly buckets: Buckets }>;

  constructor(spec: HistogramSpec, registry: Registry) {
    const { name, help, labels, bounds } = spec;
    super({ name, help, labelNames: [...labels], buckets: [...bounds], registers: [registry] });
    this.#name = name;
    this.#help = help;
    this.#names = labels;
    this.#bounds = bounds;
    this.#series = new Series(labels, (values) => ({ labels: values, buckets: new Buckets(bounds) }));
  }

  series(labels: LabelValues): Buckets {
    return this.#series.find(labels).buckets;
  }

  override async get(): Promise<ExportedHistogram> {
    const values: Exported[] = [];
    for (const { labels, buckets } of this.#series.all()) this.#export(labels, buckets, values);
    const collect = (): void => undefined;
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', collect, values };
  }

  /** The registry prefers it to `get`. */
  getForPromString(): Promise<ExportedHistogram> {
    return this.get();
  }

  #export(values: LabelValues, { counts, sum, count }: Buckets, into: Exported[]): void {
    const labels = Object.fromEntries(this.#names.map((label) => [label, values[label] ?? '']));
    let below = 0;
    for (const [i, bound] of this.#bounds.entries()) {
      below += counts[i] ?? 0;
      into.push({ metricName: `${this.#name}_bucket`, labels: { le: bound, ...labels }, value: below });
    }
    into.push({ metricName: `${this.#name}_bucket`, labels: { le: '+Inf', ...labels }, value: count });
    into.push({ metricName: `${this.#name}_sum`, labels, value: sum });
    into.push({ metricName: `${this.#name}_count`, labels, value: count });
  }
}

export interface HistogramSpec {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of the buckets, ascending. */
  readonly bounds: readonly number[];
}
