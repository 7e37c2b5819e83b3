import type { Clock } from '@warren/kernel';

/** Calls back once at a moment that may be moved or called off. */
export class QueueTimer {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #running: { readonly at: number; readonly stop: AbortController } | undefined;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /** `at` in monotonic milliseconds; an earlier appointment is forgotten. */
  at(at: number): void {
    if (this.#running?.at === at) return;
    this.stop();
    const running = { at, stop: new AbortController() };
    this.#running = running;
    void this.#clock.sleep(Math.max(0, at - this.#clock.monotonicMs()), running.stop.signal).then(() => {
      if (this.#running !== running) return;
      this.#running = undefined;
      this.#callback();
    });
  }

  stop(): void {
    this.#running?.stop.abort();
    this.#running = undefined;
  }
}
