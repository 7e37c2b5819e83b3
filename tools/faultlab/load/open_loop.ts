import type { Workload } from './workload.ts';

export interface Share {
  readonly workload: Workload;
  /** Part of all commands. */
  readonly share: number;
}

const TICK_MS = 20;

interface Lane {
  readonly workload: Workload;
  readonly unitsPerMs: number;
  due: number;
}

/**
 * Begins work at a fixed rate, whatever becomes of what was begun before. Units that find everybody busy stay due and are
 * begun as soon as somebody is free: an outage delays work, it does not lessen it.
 */
export class OpenLoop {
  readonly #lanes: readonly Lane[];
  #timer: NodeJS.Timeout | undefined;
  #lastAt = 0;
  #begun = 0;

  constructor(shares: readonly Share[], commandsPerSecond: number) {
    this.#lanes = shares.map(({ workload, share }) => ({
      workload,
      unitsPerMs: (commandsPerSecond * share) / workload.commands / 1_000,
      due: 0,
    }));
  }

  /** Commands of the units that were begun. */
  get begun(): number {
    return this.#begun;
  }

  /** Commands that are due and could not be begun yet. */
  get overdue(): number {
    return Math.round(this.#lanes.reduce((sum, { due, workload }) => sum + due * workload.commands, 0));
  }

  start(): void {
    this.#lastAt = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const elapsed = now - this.#lastAt;
    this.#lastAt = now;
    for (const lane of this.#lanes) {
      lane.due += elapsed * lane.unitsPerMs;
      while (lane.due >= 1 && lane.workload.begin()) {
        lane.due -= 1;
        this.#begun += lane.workload.commands;
      }
    }
  }
}
