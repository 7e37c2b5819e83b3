import { collectDefaultMetrics, Counter as PromCounter, Gauge as PromGauge, Registry } from '@prometheus-io/client';
import { BucketHistogram } from './bucket_histogram.ts';
import { Series } from './series.ts';

export type LabelValues = Readonly<Record<string, string>>;

export interface Counter {
  /** Adds `by` (1 unless told, never negative). A label left out is the empty string. */
  inc(labels?: LabelValues, by?: number): void;
  /** One series of it, found once: for what counts with every message. */
  series(labels: LabelValues): CounterSeries;
}

export interface CounterSeries {
  /** Adds 1. */
  inc(): void;
}

export interface Gauge {
  set(labels: LabelValues, value: number): void;
}

export interface Histogram {
  observe(labels: LabelValues, seconds: number): void;
  /** One series of it, found once: for what is observed with every message. */
  series(labels: LabelValues): HistogramSeries;
}

export interface HistogramSeries {
  observe(seconds: number): void;
}

/** From half a millisecond, the cost of a local query, to ten seconds, past every deadline. */
const DEFAULT_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Each sample is sorted into five digests, too much for ten times a second. */
const UTILIZATION_SAMPLE_MS = 1_000;

const NO_LABELS: LabelValues = Object.freeze({});

interface Cell {
  readonly values: LabelValues;
  pending: number;
}

class CountedSeries implements CounterSeries {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  inc(): void {
    this.#cell.pending++;
  }
}

function* drain(cells: Iterable<Cell>): Generator<Cell> {
  for (const cell of cells) {
    const drained = { ...cell };
    cell.pending = 0;
    yield drained;
  }
}

interface Known {
  readonly signature: string;
  readonly metric: Counter | Gauge | Histogram;
}

/**
 * The metrics of one service, in a registry of its own: process, garbage collection and event-loop lag are there from
 * the start. Asking twice for a name returns the same metric; asking for it with another type or other labels throws.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #known = new Map<string, Known>();
  readonly #collectors = new Set<() => void>();

  constructor(service: string) {
    this.#registry.setDefaultLabels({ service });
    collectDefaultMetrics({ register: this.#registry, eventLoopUtilizationTimeout: UTILIZATION_SAMPLE_MS });
  }

  /** Content type of `render()`, for the response header. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    return this.#once<Counter>('counter', name, labels, () => {
      // The library hashes the labels on every call. Here a call adds to a number and the library sees the sum at each
      // rendering.
      const series = new Series(labels, (values) => ({ values, pending: 0 }));
      const collect = () => {
        for (const { values, pending } of drain(series.all())) metric.inc(values, pending);
      };
      const metric = new PromCounter({ name, help, labelNames: [...labels], registers: [this.#registry], collect });
      return {
        inc: (values = NO_LABELS, by = 1) => {
          if (!(by >= 0 && by < Number.POSITIVE_INFINITY)) throw new RangeError(`counter ${name} cannot grow by ${by}`);
          series.find(values).pending += by;
        },
        series: (values) => new CountedSeries(series.find(values)),
      };
    });
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Gauge {
    return this.#once<Gauge>('gauge', name, labels, () => {
      const metric = new PromGauge({ name, help, labelNames: [...labels], registers: [this.#registry] });
      const series = new Series(labels, (values) => metric.labels(values));
      return { set: (values, value) => series.find(values).set(value) };
    });
  }

  histogram(
    name: string,
    help: string,
    labels: readonly string[],
    bucketsSeconds: readonly number[] = DEFAULT_BUCKETS_SECONDS,
  ): Histogram {
    return this.#once<Histogram>('histogram', name, labels, () => {
      const metric = new BucketHistogram({ name, help, labels, bounds: bucketsSeconds }, this.#registry);
      return {
        observe: (values, seconds) => metric.series(values).observe(seconds),
        series: (values) => metric.series(values),
      };
    });
  }

  /**
   * Runs `collect` before every rendering: for gauges whose value is only looked at, such as a pool's size. Returns the
   * way back.
   */
  beforeRender(collect: () => void): () => void {
    this.#collectors.add(collect);
    return () => {
      this.#collectors.delete(collect);
    };
  }

  /** All metrics in the Prometheus text format. */
  render(): Promise<string> {
    for (const collect of this.#collectors) collect();
    return this.#registry.metrics();
  }

  #once<M extends Counter | Gauge | Histogram>(
    type: string,
    name: string,
    labels: readonly string[],
    make: () => M,
  ): M {
    const signature = `${type}(${labels.join(',')})`;
    const known = this.#known.get(name);
    if (known === undefined) {
      const metric = make();
      this.#known.set(name, { signature, metric });
      return metric;
    }
    if (known.signature !== signature)
      throw new TypeError(`metric ${name} is ${known.signature} and cannot be ${signature} too`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the signature begins with the type that made it
    return known.metric as M;
  }
}
