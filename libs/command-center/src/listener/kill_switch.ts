/** `closed`: messages flow. `open`: none does. `half_open`: one at a time, until one tells how things are. */
export type KillSwitchState = 'closed' | 'open' | 'half_open';

const WINDOW_MS = 30_000;
const BUCKETS = 30;
const BUCKET_MS = WINDOW_MS / BUCKETS;
const MIN_SAMPLES = 20;
/** More than this share of failures that may pass stops the flow: the next messages would only be spent on it. */
const MAX_FAILED_SHARE = 0.5;
const OPEN_MS = 30_000;

/**
 * Stops the flow of messages while most of the work on them fails for reasons that pass, such as a store that is away:
 * each would use up its attempts for nothing. Whoever owns the flow tells it of results and does what `state` says. Times
 * are monotonic milliseconds.
 */
export class KillSwitch {
  /** Results of the last 30 s, a bucket per second. */
  readonly #all = new Uint32Array(BUCKETS);
  readonly #failed = new Uint32Array(BUCKETS);
  #samples = 0;
  #failures = 0;
  /** Number of the newest bucket since the clock's start. */
  #bucket = 0;
  #state: KillSwitchState = 'closed';
  #reopensAt = 0;
  #reason = '';

  get state(): KillSwitchState {
    return this.#state;
  }

  /** Why messages do not flow freely; undefined while they do. */
  get problem(): string | undefined {
    return this.#state === 'closed' ? undefined : this.#reason;
  }

  /** One result. What says nothing about the service's surroundings (a bad payload, a defect) is not to be told. */
  record(failed: boolean, nowMs: number): void {
    if (this.#state === 'open') return;
    if (this.#state === 'half_open') {
      if (failed) this.#open(nowMs);
      else this.#close();
      return;
    }
    this.#advance(nowMs);
    this.#add(failed, this.#bucket % BUCKETS);
    if (this.#samples < MIN_SAMPLES || this.#failures <= this.#samples * MAX_FAILED_SHARE) return;
    this.#reason = `${this.#failures} of its last ${this.#samples} messages failed for reasons that may pass`;
    this.#open(nowMs);
  }

  /** Called now and then: lets one message try again when the time has come. */
  check(nowMs: number): void {
    if (this.#state === 'open' && nowMs >= this.#reopensAt) this.#state = 'half_open';
  }

  #open(nowMs: number): void {
    this.#state = 'open';
    this.#reopensAt = nowMs + OPEN_MS;
  }

  /** What failed before says nothing about now. */
  #close(): void {
    this.#state = 'closed';
    this.#all.fill(0);
    this.#failed.fill(0);
    this.#samples = 0;
    this.#failures = 0;
  }

  #add(failed: boolean, slot: number): void {
    this.#all[slot] = (this.#all[slot] ?? 0) + 1;
    this.#samples++;
    if (!failed) return;
    this.#failed[slot] = (this.#failed[slot] ?? 0) + 1;
    this.#failures++;
  }

  /** Forgets the buckets that have left the window. */
  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const steps = Math.min(BUCKETS, bucket - this.#bucket);
    for (let step = 1; step <= steps; step++) {
      const slot = (bucket - steps + step) % BUCKETS;
      this.#samples -= this.#all[slot] ?? 0;
      this.#failures -= this.#failed[slot] ?? 0;
      this.#all[slot] = 0;
      this.#failed[slot] = 0;
    }
    this.#bucket = bucket;
  }
}
