import fs from 'node:fs';
import path from 'node:path';
import type { RunResult } from '../run_lab.ts';
import { MetricsBook } from './metrics_book.ts';

const fileOf = (folder: string): string => path.join(folder, 'run.json');

/** Keeps everything that a run left behind, so that it can be judged again. */
export function writeRun(folder: string, run: RunResult): void {
  fs.writeFileSync(fileOf(folder), JSON.stringify(run));
}

export function readRun(folder: string): RunResult {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is our own, written by writeRun of the same version
  const stored = JSON.parse(fs.readFileSync(fileOf(folder), 'utf8')) as Omit<RunResult, 'metrics'> & {
    readonly metrics: Parameters<typeof MetricsBook.fromJSON>[0];
  };
  return { ...stored, metrics: MetricsBook.fromJSON(stored.metrics) };
}
