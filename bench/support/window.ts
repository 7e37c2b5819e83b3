import { brokerMicros, foreignCpu, type Load, loadNow } from './machine_load.ts';
import type { SideProcess, WindowOrder, WindowResult } from './side.ts';

/** Caller and responder of one of the two sides. */
export interface Pair {
  readonly caller: SideProcess;
  readonly responder: SideProcess;
}

/** Windows of one side, added up; times are microseconds of processor time. */
export interface Sums {
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

export const noSums = (): Sums => ({
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

/** The windows of one side with so many calls in flight. */
export interface Cell {
  readonly quiet: Sums;
  /** Windows in which others used the machine; shown, and marked, only where there is nothing better. */
  readonly disturbed: Sums;
}

interface Snapshot {
  readonly caller: number;
  readonly responder: number;
  readonly load: Load;
}

async function snapshot({ caller, responder }: Pair): Promise<Snapshot> {
  const [callerMicros, responderMicros] = await Promise.all([caller.cpuMicros(), responder.cpuMicros()]);
  return { caller: callerMicros, responder: responderMicros, load: loadNow(callerMicros + responderMicros) };
}

/** One timed stretch of one side. */
export interface Window {
  readonly result: WindowResult;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly foreign: number;
}

/** Lets the caller work for a while, and takes every clock before and after. */
export async function oneWindow(pair: Pair, order: WindowOrder): Promise<Window> {
  const before = await snapshot(pair);
  const result = await pair.caller.run(order);
  const after = await snapshot(pair);
  return { result, before, after, foreign: foreignCpu(before.load, after.load) };
}

/** Adds a window. */
export function addWindow(sums: Sums, { result, before, after, foreign }: Window): void {
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
