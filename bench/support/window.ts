import { brokerMicros, foreignCpu, type Load, loadNow } from './machine_load.ts';
import type { SideProcess, WindowOrder, WindowResult } from './side.ts';

/** One timed stretch of one side; times are microseconds of processor time. */
export interface Window extends WindowResult {
  /** Of each measured process, in their order. */
  readonly micros: readonly number[];
  readonly broker: number;
  /** Processors that others kept busy. */
  readonly foreign: number;
  readonly ms: number;
}

/** One side of a row: the processes whose time counts, the first of which is told what to do. */
export class Contestant {
  readonly #processes: readonly [SideProcess, ...SideProcess[]];
  readonly #order: WindowOrder;
  readonly #prepare: () => Promise<void>;

  /** `prepare` runs before each window and is not measured. */
  constructor(processes: readonly [SideProcess, ...SideProcess[]], order: WindowOrder, prepare = async () => {}) {
    this.#processes = processes;
    this.#order = order;
    this.#prepare = prepare;
  }

  async window(): Promise<Window> {
    await this.#prepare();
    const before = await this.#snapshot();
    const result = await this.#processes[0].run(this.#order);
    const after = await this.#snapshot();
    return {
      ...result,
      micros: after.micros.map((micros, i) => micros - (before.micros[i] ?? 0)),
      broker: brokerMicros(before.load, after.load),
      foreign: foreignCpu(before.load, after.load),
      ms: after.load.at - before.load.at,
    };
  }

  async #snapshot(): Promise<{ micros: number[]; load: Load }> {
    const micros = await Promise.all(this.#processes.map((side) => side.cpuMicros()));
    return { micros, load: loadNow(micros.reduce((sum, each) => sum + each, 0)) };
  }
}
