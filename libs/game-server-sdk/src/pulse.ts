export interface PulseDeps {
  /** Never rejects. */
  readonly beat: () => Promise<void>;
  readonly intervalMs: () => number;
}

/** Runs one beat after the other, an interval apart, and sooner when it is woken. Never two at once. */
export class Pulse {
  readonly #deps: PulseDeps;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #beating = false;
  #again = false;
  #stopped = false;

  constructor(deps: PulseDeps) {
    this.#deps = deps;
  }

  /** The first beat comes an interval from now. */
  start(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), this.#deps.intervalMs());
  }

  /** Beats now, or once more when the beat under way is done: that one may have missed the reason. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    if (!this.#beating) void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    this.#beating = true;
    clearTimeout(this.#timer);
    while (this.#again && !this.#stopped) {
      this.#again = false;
      await this.#deps.beat();
    }
    this.#beating = false;
    this.start();
  }
}
