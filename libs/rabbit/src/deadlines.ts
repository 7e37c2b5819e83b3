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
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #next = Number.POSITIVE_INFINITY;

  /** `entries` are all that are being waited for, in any order; `expire` must remove its entry from them. */
  constructor(entries: () => Iterable<T>, now: () => number) {
    this.#entries = entries;
    this.#now = now;
  }

  /** Tells of a new entry. */
  watch(deadline: number): void {
    if (deadline < this.#next) this.#next = deadline;
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#next = Number.POSITIVE_INFINITY;
  }

  #sweep(): void {
    const now = this.#now();
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
