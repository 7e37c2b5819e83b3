import type { Cell, Sums } from './window.ts';

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const COLUMNS = [
  'in flight',
  'side',
  'windows',
  'dropped',
  'foreign',
  'calls/s',
  'caller us',
  'responder us',
  'both us',
  'broker us',
  'p50 ms',
  'p99 ms',
  'failed',
];
const WIDTH = 13;

const print = (cells: readonly (string | number)[]): void =>
  void process.stdout.write(`${cells.map((cell) => String(cell).padStart(WIDTH)).join('')}\n`);

function printSide(inFlight: number, name: string, sums: Sums, dropped: number): void {
  const sorted = sums.latencies.toSorted((a, b) => a - b);
  const perCall = (micros: number): string => (micros / sums.calls).toFixed(1);
  print([
    inFlight,
    name,
    sums.windows,
    dropped,
    (sums.foreign / sums.windows).toFixed(2),
    Math.round((sums.calls / sums.ms) * 1_000),
    perCall(sums.callerMicros),
    perCall(sums.responderMicros),
    perCall(sums.callerMicros + sums.responderMicros),
    perCall(sums.brokerMicros),
    percentile(sorted, 0.5).toFixed(2),
    percentile(sorted, 0.99).toFixed(2),
    sums.failures,
  ]);
}

/** Above 1 Warren is cheaper or faster than the bare library. */
function printRatio(inFlight: number, raw: Sums, warren: Sums): void {
  const cpu = (sums: Sums): number => (sums.callerMicros + sums.responderMicros) / sums.calls;
  const latency = (sums: Sums, share: number): number =>
    percentile(
      sums.latencies.toSorted((a, b) => a - b),
      share,
    );
  const ratio = (of: (sums: Sums) => number): string => (of(raw) / of(warren)).toFixed(2);
  const cpuOf = (key: 'callerMicros' | 'responderMicros' | 'brokerMicros'): string =>
    ratio((sums) => sums[key] / sums.calls);
  print([
    inFlight,
    'raw/warren',
    '',
    '',
    '',
    (warren.calls / warren.ms / (raw.calls / raw.ms)).toFixed(2),
    cpuOf('callerMicros'),
    cpuOf('responderMicros'),
    ratio(cpu),
    cpuOf('brokerMicros'),
    ratio((sums) => latency(sums, 0.5)),
    ratio((sums) => latency(sums, 0.99)),
    '',
  ]);
}

export const printHeading = (): void => print(COLUMNS);

/** Both sides and their ratio. False when more than half of the rounds were disturbed: then those are shown, and marked. */
export function printRows(inFlight: number, { raw, warren }: { raw: Cell; warren: Cell }, rounds: number): boolean {
  const quiet = raw.quiet.windows >= rounds / 2;
  const of = (cell: Cell): Sums => (quiet ? cell.quiet : cell.disturbed);
  const mark = quiet ? '' : ' (!)';
  printSide(inFlight, `raw${mark}`, of(raw), raw.disturbed.windows);
  printSide(inFlight, `warren${mark}`, of(warren), warren.disturbed.windows);
  printRatio(inFlight, of(raw), of(warren));
  return quiet;
}
