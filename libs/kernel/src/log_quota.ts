/** Messages told apart; whatever comes beyond shares one quota. Most messages are fixed texts. */
const MAX_MESSAGES = 500;
const OTHERS = '';

interface Window {
  endsAt: number;
  written: number;
  withheld: number;
}

export interface LogQuotaOptions {
  /** Lines of one message that are written per window. */
  readonly lines: number;
  readonly windowMs: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/**
 * Keeps a log readable while something is away for minutes: of each message only so many lines are written per window, the
 * others are counted, and the next line that is written tells their number.
 */
export class LogQuota {
  readonly #options: LogQuotaOptions;
  readonly #windows = new Map<string, Window>();

  constructor(options: LogQuotaOptions) {
    this.#options = options;
  }

  /** The number of lines of this message that were withheld since the last written one; undefined: this one is withheld. */
  take(message: string): number | undefined {
    const { lines, windowMs, now } = this.#options;
    const at = now();
    const window = this.#windowOf(message);
    if (at >= window.endsAt) Object.assign(window, { endsAt: at + windowMs, written: 0 });
    if (window.written >= lines) {
      window.withheld += 1;
      return undefined;
    }
    const { withheld } = window;
    Object.assign(window, { written: window.written + 1, withheld: 0 });
    return withheld;
  }

  #windowOf(message: string): Window {
    const key = this.#windows.has(message) || this.#windows.size < MAX_MESSAGES ? message : OTHERS;
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = { endsAt: Number.NEGATIVE_INFINITY, written: 0, withheld: 0 };
      this.#windows.set(key, window);
    }
    return window;
  }
}
