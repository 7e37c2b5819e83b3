import type { Clock } from '@warren/kernel';

/** Time that is spent once, by several steps in a row: a start or a shutdown. */
export class Budget {
  readonly #clock: Clock;
  readonly #until: number;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#until = clock.monotonicMs() + ms;
  }

  /** Milliseconds left when `reserveMs` of the end are kept for others; at least 0. */
  remainingMs(reserveMs = 0): number {
    return Math.max(0, this.#until - reserveMs - this.#clock.monotonicMs());
  }
}
