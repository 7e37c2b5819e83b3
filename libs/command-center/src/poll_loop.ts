import { backoffMs, type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';

export interface PollLoopDeps {
  readonly name: string;
  /** Pause after a round that asks for no other, milliseconds; jittered, so that replicas spread. */
  readonly pollMs: number;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

/** What a round may ask for. */
export interface Pause {
  readonly ms: number;
  /** Whether a wake ends it. */
  readonly wakeable: boolean;
}

const ERROR_BACKOFF = { baseMs: 250, maxMs: 5_000 };

/**
 * Runs a round again and again: at once when woken, else after a pause. A wake that comes during a round starts the next
 * one without a pause. The rows are the only memory: a lost wake costs one pause.
 */
export class PollLoop {
  readonly #deps: PollLoopDeps;
  readonly #round: () => Promise<Pause | void>;
  readonly #stop = new AbortController();
  #wakeUp = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: PollLoopDeps, round: () => Promise<Pause | void>) {
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
      // made before the round: a wake that comes while it runs ends the pause after it
      this.#wakeUp = new AbortController();
      let pause: Pause;
      try {
        const ms = backoffMs(1, { baseMs: pollMs, maxMs: pollMs }, rng);
        pause = (await this.#round()) ?? { ms, wakeable: true };
        failures = 0;
      } catch (cause) {
        failures++;
        if (failures === 1) logger.warn({ err: toAppError(cause), task: name }, 'a round failed; the rows wait');
        // wakes are not heard: each request of a player would be one more try against a store that is down
        pause = { ms: backoffMs(failures, ERROR_BACKOFF, rng), wakeable: false };
      }
      if (pause.ms > 0) await clock.sleep(pause.ms, pause.wakeable ? this.#wakeUp.signal : this.#stop.signal);
    }
  }
}
