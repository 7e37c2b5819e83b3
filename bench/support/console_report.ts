import { MAX_FOREIGN } from './contest.ts';
import type { Figures, SideFigures } from './figures.ts';

const LABEL_WIDTH = 30;
const WIDTH = 12;

function print(label: string, cells: readonly (string | number)[]): void {
  process.stdout.write(`${label.padEnd(LABEL_WIDTH)}${cells.map((cell) => String(cell).padStart(WIDTH)).join('')}\n`);
}

const decimals = (value: number, digits: number): string => (Number.isNaN(value) ? '-' : value.toFixed(digits));

function printSide(label: string, side: SideFigures, rounds: string): void {
  print(label, [
    rounds,
    side.foreign.toFixed(2),
    Math.round(side.perSecond),
    decimals(side.cpu, 2),
    decimals(side.broker, 1),
    decimals(side.p50, 2),
    decimals(side.p99, 2),
    side.failures,
    ...side.parts.map((part) => decimals(part, 2)),
  ]);
}

export function printHeading(unit: string, parts: readonly string[]): void {
  const own = parts.length > 1 ? parts : [];
  print('', ['rounds', 'foreign', `${unit}s/s`, 'CPU us', 'broker us', 'p50 ms', 'p99 ms', 'failed', ...own]);
}

/** Both sides and their ratio: above 1 Warren is cheaper or faster than the bare library. */
export function printFigures(figures: Figures): void {
  const { label, raw, warren, cpuRatio, cpuSpread, rounds, disturbed, quiet } = figures;
  const mark = quiet ? '' : ' (!)';
  printSide(`${label}: raw${mark}`, raw, `${rounds}-${disturbed}`);
  printSide(`${label}: warren${mark}`, warren, `${rounds}-${disturbed}`);
  const ratio = (of: (side: SideFigures) => number): string => decimals(of(raw) / of(warren), 2);
  print('  raw / warren', [
    '',
    '',
    decimals(warren.perSecond / raw.perSecond, 2),
    cpuRatio.toFixed(2),
    ratio((side) => side.broker),
    ratio((side) => side.p50),
    ratio((side) => side.p99),
    '',
    `(${cpuSpread.low.toFixed(2)} ... ${cpuSpread.high.toFixed(2)})`,
  ]);
  if (!quiet)
    process.stdout.write(`  (!) others kept more than ${MAX_FOREIGN} processors busy: an indication, no measure\n`);
}
