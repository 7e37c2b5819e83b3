import type { Clock } from '@warren/kernel';

const SWEEP_MS = 50;

/** Something that must be over by `deadline` (monotonic milliseconds). */
export interface Expiring {
  readonly deadline: number;
  expire(): void;
}

/**
 * Expires entries with one timer for all of them: a timer per message costs several times what the message costs.
 * An entry is late by at most 50 ms. The timer runs only while there is something to watch.
 */
export class Deadlines<T extends Expiring> {
  readonly #entries: () => Iterable<T>;
  readonly #clock: Clock;
  readonly #sweep = (): void => this.#run();
  #cancel: (() => void) | undefined;
  #next = Number.POSITIVE_INFINITY;

  /** `entries` are all that are being waited for, in any order; `expire` must remove its entry from them. */
  constructor(entries: () => Iterable<T>, clock: Clock) {
    this.#entries = entries;
    this.#clock = clock;
  }

  /** Tells of a new entry. */
  watch(deadline: number): void {
    if (deadline < this.#next) this.#next = deadline;
    this.#cancel ??= this.#clock.after(SWEEP_MS, this.#sweep);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#next = Number.POSITIVE_INFINITY;
  }

  #run(): void {
    this.#cancel = this.#clock.after(SWEEP_MS, this.#sweep);
    const now = this.#clock.monotonicMs();
    if (this.#next > now) return;
    let next = Number.POSITIVE_INFINITY;
    const expired: T[] = [];
    for (const entry of this.#entries()) {
      if (entry.deadline <= now) expired.push(entry);
      else if (entry.deadline < next) next = entry.deadline;
    }
    this.#next = next;
    if (next === Number.POSITIVE_INFINITY) this.stop();
    for (const entry of expired) entry.expire();
  }
}
