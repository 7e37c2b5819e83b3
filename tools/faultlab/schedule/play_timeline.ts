import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRng } from '@warren/testing';
import { BrokenPromise, type Fault } from '../faults/fault.ts';
import { faultType } from '../faults/fault_table.ts';
import type { LabSystem } from '../system/lab_system.ts';

/** What became of a fault, on the clock of the history. */
export interface FaultRecord extends Fault {
  readonly begunAt: number;
  readonly healedAt: number;
  /** Why the lab could not do what it wanted; the run is worth nothing then. */
  readonly failure?: string;
  /** What the system did not do although it has to do it during the fault. */
  readonly broken?: string;
}

export interface PlayOptions {
  readonly seed: number;
  readonly onBegin: (fault: Fault) => void | Promise<void>;
  readonly onEnd: (record: FaultRecord) => void;
}

/** Lets every fault happen at its time; resolves when the last one is healed. */
export async function playTimeline(
  system: LabSystem,
  timeline: readonly Fault[],
  options: PlayOptions,
): Promise<FaultRecord[]> {
  const startedAt = performance.now();
  const running: Promise<FaultRecord>[] = [];
  for (const fault of timeline) {
    await sleep(Math.max(0, startedAt + fault.atMs - performance.now()));
    running.push(happen(system, fault, options));
  }
  return Promise.all(running);
}

async function happen(system: LabSystem, fault: Fault, options: PlayOptions): Promise<FaultRecord> {
  await options.onBegin(fault);
  const begunAt = performance.now();
  // a seed of its own: what else runs at the same time does not change how this fault looks
  const rng = new SeededRng(options.seed).fork(`fault ${fault.id}`);
  const problem = await faultType(fault.kind)
    .inject(system, fault, rng)
    .then(() => ({}))
    .catch((error: unknown) =>
      error instanceof BrokenPromise ? { broken: error.message } : { failure: String(error) },
    );
  const record: FaultRecord = { ...fault, begunAt, healedAt: performance.now(), ...problem };
  options.onEnd(record);
  return record;
}
