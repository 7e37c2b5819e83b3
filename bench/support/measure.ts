import type { Row } from './contest.ts';

/** One question that the benchmark answers, with its two sides. */
export interface Measure {
  readonly name: string;
  readonly title: string;
  /** What both sides do: a paragraph of docs/benchmarks.md. */
  readonly about: string;
  readonly unit: 'call' | 'message';
  open(): Promise<OpenMeasure>;
}

/** Its processes run. */
export interface OpenMeasure {
  readonly rows: readonly Row[];
  close(): Promise<void>;
}
