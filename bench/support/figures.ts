import type { Outcome } from './contest.ts';
import type { Window } from './window.ts';

/** What one side needed, over all its windows. */
export interface SideFigures {
  readonly perSecond: number;
  /** Microseconds of processor time per operation: of each process, of all of them, of the broker. */
  readonly parts: readonly number[];
  readonly cpu: number;
  readonly broker: number;
  /** Milliseconds; NaN where single operations are not timed. */
  readonly p50: number;
  readonly p99: number;
  readonly foreign: number;
  readonly failures: number;
}

/** Raw divided by Warren, over the rounds: above 1 Warren needs less. */
interface Spread {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export interface Figures {
  readonly label: string;
  readonly parts: readonly string[];
  readonly rounds: number;
  readonly disturbed: number;
  readonly quiet: boolean;
  readonly raw: SideFigures;
  readonly warren: SideFigures;
  readonly cpuRatio: number;
  /** Quartiles of the rounds. */
  readonly cpuSpread: Spread;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function sideFigures(windows: readonly Window[]): SideFigures {
  const calls = sum(windows.map((window) => window.calls));
  const parts = (windows[0]?.micros ?? []).map((_, i) => sum(windows.map(({ micros }) => micros[i] ?? 0)) / calls);
  const latencies = windows.flatMap((window) => window.latencies);
  return {
    perSecond: (calls / sum(windows.map(({ ms }) => ms))) * 1_000,
    parts,
    cpu: sum(parts),
    broker: sum(windows.map(({ broker }) => broker)) / calls,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    foreign: sum(windows.map(({ foreign }) => foreign)) / windows.length,
    failures: sum(windows.map(({ failures }) => failures)),
  };
}

const cpuPerCall = (window: Window): number => sum(window.micros) / window.calls;

export function figuresOf({ row, rounds, quiet, disturbed }: Outcome): Figures {
  const raw = sideFigures(rounds.raw);
  const warren = sideFigures(rounds.warren);
  const ratios = rounds.raw.flatMap((window, i) => {
    const other = rounds.warren[i];
    return other === undefined ? [] : [cpuPerCall(window) / cpuPerCall(other)];
  });
  return {
    label: row.label,
    parts: row.parts,
    rounds: rounds.raw.length,
    disturbed,
    quiet,
    raw,
    warren,
    cpuRatio: raw.cpu / warren.cpu,
    cpuSpread: { low: quantile(ratios, 0.25), median: quantile(ratios, 0.5), high: quantile(ratios, 0.75) },
  };
}
