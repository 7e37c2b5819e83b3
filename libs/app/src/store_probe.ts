import { type AppError, type Clock, toAppError } from '@warren/kernel';

export interface StoreProbeDeps {
  readonly ping: () => Promise<unknown>;
  readonly clock: Clock;
}

const RETRY_MS = 500;
const INTERVAL_MS = 2_000;

/** Retryable for a caller, since an operator may mend it any time; a service that starts says so and ends instead. */
const FATAL_AT_START = new Set([
  'DATABASE_ACCESS_REFUSED',
  'DATABASE_CONFIG_INVALID',
  'REDIS_ACCESS_REFUSED',
  'REDIS_CONFIG_INVALID',
]);

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

  /**
   * A store that is absent may come; one that refuses us will not change its mind. Ends early, without an error, when the
   * probe is stopped.
   * @throws AppError of the last try
   */
  async untilReachable(timeoutMs: number): Promise<void> {
    const { clock } = this.#deps;
    const until = clock.monotonicMs() + timeoutMs;
    while (!this.#stop.signal.aborted) {
      const failure = await this.#ask();
      if (failure === undefined) return;
      if (!failure.retryable || FATAL_AT_START.has(failure.code) || clock.monotonicMs() >= until) throw failure;
      await clock.sleep(RETRY_MS, this.#stop.signal);
    }
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
      if (!this.#stop.signal.aborted) await this.#ask();
    }
  }

  async #ask(): Promise<AppError | undefined> {
    try {
      await this.#deps.ping();
      this.#problem = undefined;
      return undefined;
    } catch (cause) {
      const failure = toAppError(cause);
      this.#problem = failure.message;
      return failure;
    }
  }
}
