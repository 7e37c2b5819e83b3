/**
 * RPC through Warren's libraries beside the bare amqplib: `npm run bench -- rpc`. Each side has a caller and a responder process of its own;
 * windows of both sides take turns, so that whatever else the machine does meets both alike.
 */
import { declareExchanges } from '@warren/rabbit';
import { tempVhost } from '@warren/testing';
import { brokerMicros, foreignCpu, type Load, loadNow, machine } from './support/machine_load.ts';
import { SideProcess, type WindowResult } from './support/side.ts';

const ROUNDS = Number(process.argv[2] ?? 16);
/** A window that others disturbed is measured again, at most this often per cell. */
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
  dropped: number;
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
  windows: 0, dropped: 0, calls: 0, failures: 0, callerMicros: 0, responderMicros: 0, brokerMicros: 0, foreign: 0, ms: 0, latencies: [],
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

/** Measures one window; false when it does not count because others used the machine. */
async function oneWindow(pair: Pair, inFlight: number, sums: Sums): Promise<boolean> {
  const before = await snapshot(pair);
  const result = await pair.caller.run({ inFlight, ms: WINDOW_MS });
  const after = await snapshot(pair);
  const foreign = foreignCpu(before.load, after.load);
  if (foreign > MAX_FOREIGN) {
    sums.dropped++;
    return false;
  }
  count(sums, result, before, after, foreign);
  return true;
}

function count(sums: Sums, result: WindowResult, before: Snapshot, after: Snapshot, foreign: number): void {
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
async function measureCell(pairs: readonly Pair[], inFlight: number): Promise<Map<Pair, Sums>> {
  const sums = new Map(pairs.map((pair) => [pair, noSums()]));
  for (const pair of pairs) await pair.caller.run({ inFlight, ms: WINDOW_MS });
  let repeats = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? pairs : pairs.toReversed();
    for (const pair of order) {
      while (!(await oneWindow(pair, inFlight, sums.get(pair) ?? noSums())) && repeats < MAX_REPEATS) repeats++;
    }
  }
  return sums;
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const COLUMNS = ['in flight', 'side', 'windows', 'dropped', 'foreign', 'calls/s', 'caller us', 'responder us', 'both us', 'broker us', 'p50 ms', 'p99 ms', 'failed'];
const WIDTH = 12;

const print = (cells: readonly (string | number)[]): void =>
  void process.stdout.write(`${cells.map((cell) => String(cell).padStart(WIDTH)).join('')}\n`);

function printSide(inFlight: number, name: string, sums: Sums): void {
  const sorted = sums.latencies.toSorted((a, b) => a - b);
  const perCall = (micros: number): string => (micros / sums.calls).toFixed(1);
  print([
    inFlight, name, sums.windows, sums.dropped, (sums.foreign / sums.windows).toFixed(2), Math.round((sums.calls / sums.ms) * 1_000),
    perCall(sums.callerMicros), perCall(sums.responderMicros), perCall(sums.callerMicros + sums.responderMicros), perCall(sums.brokerMicros),
    percentile(sorted, 0.5).toFixed(2), percentile(sorted, 0.99).toFixed(2), sums.failures,
  ]);
}

/** Above 1 Warren is cheaper or faster than the bare library. */
function printRatio(inFlight: number, raw: Sums, warren: Sums): void {
  const cpu = (sums: Sums): number => (sums.callerMicros + sums.responderMicros) / sums.calls;
  const latency = (sums: Sums, share: number): number => percentile(sums.latencies.toSorted((a, b) => a - b), share);
  const ratio = (of: (sums: Sums) => number): string => (of(raw) / of(warren)).toFixed(2);
  const cpuOf = (key: 'callerMicros' | 'responderMicros' | 'brokerMicros'): string => ratio((sums) => sums[key] / sums.calls);
  print([
    inFlight, 'raw/warren', '', '', '', (warren.calls / warren.ms / (raw.calls / raw.ms)).toFixed(2), cpuOf('callerMicros'), cpuOf('responderMicros'),
    ratio(cpu), cpuOf('brokerMicros'), ratio((sums) => latency(sums, 0.5)), ratio((sums) => latency(sums, 0.99)), '',
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
  process.stdout.write(`${machine()}\n${ROUNDS} windows of ${WINDOW_MS} ms per side and row, in turn; us = processor time per call\n`);
  try {
    await declareExchanges(vhost.url);
    const pairs = await startPairs(vhost.url);
    print(COLUMNS);
    for (const inFlight of IN_FLIGHT) {
      const sums = await measureCell(pairs, inFlight);
      for (const [pair, side] of sums) printSide(inFlight, pair.name, side);
      const [raw, warren] = [...sums.values()];
      if (raw !== undefined && warren !== undefined) printRatio(inFlight, raw, warren);
    }
    for (const { caller, responder } of pairs) await Promise.all([caller.stop(), responder.stop()]);
  } finally {
    await vhost.drop();
  }
}

await main();
