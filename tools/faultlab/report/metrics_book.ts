import type { Replica } from '../system/replica.ts';

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const LINE = /^(\w+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const OWN = /^(warren_|gateway_|nodejs_eventloop_lag_max)/;
const SCRAPE_TIMEOUT_MS = 2_000;

/** Parses the Prometheus text format as far as the services write it: one number per series. */
function parseMetrics(text: string): { series: Series; value: number }[] {
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line);
    const name = match?.[1];
    if (match === null || name === undefined || !OWN.test(name)) return [];
    const labels = Object.fromEntries(
      [...(match[2] ?? '').matchAll(LABEL)].map((label) => [label[1] ?? '', label[2] ?? '']),
    );
    return [{ series: { name, labels }, value: Number(match[3]) }];
  });
}

export interface Entry {
  readonly series: Series;
  value: number;
}

/** What the counters of all processes said last, also of those that are gone. A process that ends takes at most one interval along. */
export class MetricsBook {
  readonly #entries = new Map<string, Entry>();

  /** Takes the figures of one process down. */
  take(incarnation: string, text: string): void {
    for (const { series, value } of parseMetrics(text)) {
      const key = `${incarnation} ${series.name} ${JSON.stringify(series.labels)}`;
      const known = this.#entries.get(key);
      if (known === undefined) this.#entries.set(key, { series, value });
      else known.value = value;
    }
  }

  /** For a file from which the run can be judged again. */
  toJSON(): readonly (readonly [string, Entry])[] {
    return [...this.#entries];
  }

  static fromJSON(entries: readonly (readonly [string, Entry])[]): MetricsBook {
    const book = new MetricsBook();
    for (const [key, entry] of entries) book.#entries.set(key, entry);
    return book;
  }

  async scrape(replicas: readonly Replica[]): Promise<void> {
    await Promise.all(
      replicas.map(async (replica) => {
        const incarnation = `${replica.id}/${replica.pid}`;
        try {
          const signal = AbortSignal.timeout(SCRAPE_TIMEOUT_MS);
          const response = await fetch(`${replica.adminUrl}/metrics`, { signal });
          this.take(incarnation, await response.text());
        } catch {
          // down or stopped at this moment: the next round asks again
        }
      }),
    );
  }

  /** Sum of a counter over all processes and all series whose labels match. */
  sum(name: string, labels: Readonly<Record<string, string | RegExp>> = {}): number {
    let sum = 0;
    for (const { value } of this.#matching(name, labels)) sum += value;
    return sum;
  }

  /** Sums of a counter by one of its labels. */
  byLabel(name: string, label: string): ReadonlyMap<string, number> {
    const sums = new Map<string, number>();
    for (const { series, value } of this.#matching(name, {})) {
      const of = series.labels[label] ?? '';
      sums.set(of, (sums.get(of) ?? 0) + value);
    }
    return sums;
  }

  *#matching(name: string, labels: Readonly<Record<string, string | RegExp>>): Iterable<Entry> {
    for (const entry of this.#entries.values()) {
      if (entry.series.name === name && fits(entry.series.labels, labels)) yield entry;
    }
  }
}

function fits(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string | RegExp>>): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const found = labels[name] ?? '';
    return typeof value === 'string' ? found === value : value.test(found);
  });
}
