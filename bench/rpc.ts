/**
 * RPC through Warren's libraries beside the bare amqplib: `npm run bench -- rpc`. Each side has a caller and a responder process of its own;
 * windows of both sides take turns, so that whatever else the machine does meets both alike.
 */
import { declareExchanges } from '@warren/rabbit';
import { tempVhost } from '@warren/testing';
import { brokerMicros, foreignCpu, type Load, loadNow, machine } from './support/machine_load.ts';
import { SideProcess, type WindowResult } from './support/side.ts';

const ROUNDS = Number(process.argv[2] ?? 16);
/** A round that others disturbed is measured again, at most this often per row. */
const MAX_REPEATS = 16;
const WINDOW_MS = 550;
const MAX_FOREIGN = 0.5;
const IN_FLIGHT = [1, 32, 256];
const RAW_QUEUE = 'bench.raw';

interface Pair {
  readonly name: 'raw' | 'warren';
  readonly caller: SideProcess;
  readonly responder: SideProcess;
}

interface Sums {
  windows: number;
  calls: number;
  failures: number;
  callerMicros: number;
  responderMicros: number;
  brokerMicros: number;
  foreign: number;
  ms: number;
  readonly latencies: number[];
}

const noSums = (): Sums => ({
  windows: 0,
  calls: 0,
  failures: 0,
  callerMicros: 0,
  responderMicros: 0,
  brokerMicros: 0,
  foreign: 0,
  ms: 0,
  latencies: [],
});

interface Snapshot {
  readonly caller: number;
  readonly responder: number;
  readonly load: Load;
}

async function snapshot({ caller, responder }: Pair): Promise<Snapshot> {
  const [callerMicros, responderMicros] = await Promise.all([caller.cpuMicros(), responder.cpuMicros()]);
  return { caller: callerMicros, responder: responderMicros, load: loadNow(callerMicros + responderMicros) };
}

interface Cell {
  readonly quiet: Sums;
  /** Windows in which others used the machine; shown, and marked, only where there is nothing better. */
  readonly disturbed: Sums;
}

interface Window {
  readonly result: WindowResult;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly foreign: number;
}

async function oneWindow(pair: Pair, inFlight: number): Promise<Window> {
  const before = await snapshot(pair);
  const result = await pair.caller.run({ inFlight, ms: WINDOW_MS });
  const after = await snapshot(pair);
  return { result, before, after, foreign: foreignCpu(before.load, after.load) };
}

function count(sums: Sums, { result, before, after, foreign }: Window): void {
  sums.windows++;
  sums.calls += result.calls;
  sums.failures += result.failures;
  sums.callerMicros += after.caller - before.caller;
  sums.responderMicros += after.responder - before.responder;
  sums.brokerMicros += brokerMicros(before.load, after.load);
  sums.foreign += foreign;
  sums.ms += after.load.at - before.load.at;
  for (const latency of result.latencies) sums.latencies.push(latency);
}

/** Both sides in turn; who begins changes with each round. A round counts only when neither window was disturbed. */
async function measureCell(pairs: readonly Pair[], inFlight: number): Promise<Map<Pair, Cell>> {
  const cells = new Map(pairs.map((pair): [Pair, Cell] => [pair, { quiet: noSums(), disturbed: noSums() }]));
  for (const pair of pairs) await pair.caller.run({ inFlight, ms: WINDOW_MS });
  let quietRounds = 0;
  for (let round = 0; quietRounds < ROUNDS && round < ROUNDS + MAX_REPEATS; round++) {
    const windows: [Cell, Window][] = [];
    for (const [pair, cell] of round % 2 === 0 ? cells : [...cells].toReversed())
      windows.push([cell, await oneWindow(pair, inFlight)]);
    const quiet = windows.every(([, { foreign }]) => foreign <= MAX_FOREIGN);
    if (quiet) quietRounds++;
    for (const [cell, window] of windows) count(quiet ? cell.quiet : cell.disturbed, window);
  }
  return cells;
}

/** The windows that count, and whether they do. */
function chosen(cells: readonly Cell[]): { marked: boolean; of: (cell: Cell) => Sums } {
  const marked = cells.some(({ quiet }) => quiet.windows < ROUNDS / 2);
  return { marked, of: (cell) => (marked ? cell.disturbed : cell.quiet) };
}

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

async function startPairs(url: string): Promise<Pair[]> {
  const raw = { name: 'raw' as const, responder: await SideProcess.start('raw_responder.ts', url, RAW_QUEUE) };
  const warren = { name: 'warren' as const, responder: await SideProcess.start('warren_responder.ts', url) };
  return [
    { ...raw, caller: await SideProcess.start('raw_caller.ts', url, RAW_QUEUE) },
    { ...warren, caller: await SideProcess.start('warren_caller.ts', url) },
  ];
}

async function main(): Promise<void> {
  const vhost = await tempVhost();
  process.stdout.write(
    `${machine()}\n${ROUNDS} windows of ${WINDOW_MS} ms per side and row, in turn; us = processor time per call\n`,
  );
  try {
    await declareExchanges(vhost.url);
    const pairs = await startPairs(vhost.url);
    print(COLUMNS);
    let disturbedRows = 0;
    for (const inFlight of IN_FLIGHT) {
      const sums = await measureCell(pairs, inFlight);
      const cells = [...sums.values()];
      const { marked, of } = chosen(cells);
      if (marked) disturbedRows++;
      for (const [pair, cell] of sums)
        printSide(inFlight, marked ? `${pair.name} (!)` : pair.name, of(cell), cell.disturbed.windows);
      const [raw, warren] = cells;
      if (raw !== undefined && warren !== undefined) printRatio(inFlight, of(raw), of(warren));
    }
    if (disturbedRows > 0)
      process.stdout.write(
        `(!) more than ${MAX_FOREIGN} processors were busy with other things in most windows: an indication, no measure\n`,
      );
    for (const { caller, responder } of pairs) await Promise.all([caller.stop(), responder.stop()]);
  } finally {
    await vhost.drop();
  }
}

await main();
