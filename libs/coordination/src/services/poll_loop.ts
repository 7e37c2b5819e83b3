import { backoffMs, type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';

export interface PollLoopDeps {
  readonly name: string;
  /** Pause between two rounds without a wake, milliseconds; jittered, so that replicas spread. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

const ERROR_BACKOFF = { baseMs: 250, maxMs: 5_000 };

/**
 * Runs a round again and again: at once when woken, else after a pause. A wake that comes during a round starts the next
 * one without a pause. The rows are the only memory: a lost wake costs one pause.
 */
export class PollLoop {
  readonly #deps: PollLoopDeps;
  readonly #round: () => Promise<void>;
  readonly #stop = new AbortController();
  #wakeUp = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: PollLoopDeps, round: () => Promise<void>) {
    this.#deps = deps;
    this.#round = round;
  }

  /** Aborted when the loop is to end. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  wake(): void {
    this.#wakeUp.abort();
  }

  /** Ends after the round that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, rng, pollMs, name, logger } = this.#deps;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      this.#wakeUp = new AbortController();
      try {
        await this.#round();
        failures = 0;
      } catch (cause) {
        failures++;
        if (failures === 1) logger.warn({ err: toAppError(cause), task: name }, 'a round failed; the rows wait');
      }
      // after a failure wakes are not heard: each request of a player would be one more try against a store that is down
      if (failures > 0) await clock.sleep(backoffMs(failures, ERROR_BACKOFF, rng), this.#stop.signal);
      else await clock.sleep(backoffMs(1, { baseMs: pollMs, maxMs: pollMs }, rng), this.#wakeUp.signal);
    }
  }
}
