/** From this share of the slots on, zombies are no accident any more. */
const STUCK_SHARE = 0.25;
const STUCK_AFTER_MS = 60_000;

/**
 * Counts handlers that ignore their signal. Nothing in the process can end a promise that never settles: a few are borne,
 * many for a minute are a reason to restart.
 */
export class ZombieWatch {
  readonly #slots: number;
  readonly #onStuck: () => void;
  #count = 0;
  #manySince: number | undefined;
  #told = false;

  constructor(slots: number, onStuck: () => void) {
    this.#slots = slots;
    this.#onStuck = onStuck;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether one more slot may be given away: at most twice as many handlers as slots ever run. */
  get bearable(): boolean {
    return this.#count < this.#slots;
  }

  get many(): boolean {
    return this.#count > this.#slots * STUCK_SHARE;
  }

  rose(): void {
    this.#count++;
  }

  ended(): void {
    this.#count--;
  }

  /** Called now and then with the monotonic time. */
  check(nowMs: number): void {
    if (!this.many) {
      this.#manySince = undefined;
      return;
    }
    this.#manySince ??= nowMs;
    if (this.#told || nowMs - this.#manySince < STUCK_AFTER_MS) return;
    this.#told = true;
    this.#onStuck();
  }
}
