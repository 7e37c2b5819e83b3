import { type Clock, toAppError } from '@warren/kernel';
import type { Budget } from './budget.ts';
import { persist } from './persist.ts';

export interface StoreProbeDeps {
  readonly ping: () => Promise<unknown>;
  readonly clock: Clock;
}

const INTERVAL_MS = 2_000;

/** Asks a store again and again whether it answers. */
export class StoreProbe {
  readonly #deps: StoreProbeDeps;
  readonly #stop = new AbortController();
  #problem: string | undefined = 'not reached yet';
  #loop: Promise<void> | undefined;

  constructor(deps: StoreProbeDeps) {
    this.#deps = deps;
  }

  /** Why the store cannot be used now, or undefined. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @throws AppError of the last try, also when the probe is stopped meanwhile */
  untilReachable(budget: Budget): Promise<void> {
    return persist(() => this.#ask(), { budget, clock: this.#deps.clock, signal: this.#stop.signal });
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#deps.clock.sleep(INTERVAL_MS, this.#stop.signal);
      // what it threw is the problem that is told from now on
      if (!this.#stop.signal.aborted) await this.#ask().catch(() => undefined);
    }
  }

  async #ask(): Promise<void> {
    try {
      await this.#deps.ping();
      this.#problem = undefined;
    } catch (cause) {
      const failure = toAppError(cause);
      this.#problem = failure.message;
      throw failure;
    }
  }
}
