import type { Clock, Rng } from '@warren/kernel';

/** Frames that one turn of the event loop hands over at most, as a socket does with what one packet held. */
const MAX_FRAMES_PER_TURN = 8;

/** A frame that cannot be read now says `again` and stays the first of its lane. */
type Frame = () => 'again' | void;

export interface LanesDeps {
  readonly clock: Clock;
  readonly rng: Rng;
}

/**
 * Everything that takes time in the twin is a frame in a lane: one direction of a connection, or a part of the broker's
 * own work. Frames of one lane keep their order. Which lane moves next is drawn, so that a seed decides how connections
 * overtake each other.
 */
export class Lanes {
  readonly clock: Clock;
  readonly rng: Rng;
  readonly #ready = new Set<Lane>();
  readonly #life = new AbortController();
  #scheduled = false;

  constructor(deps: LanesDeps) {
    this.clock = deps.clock;
    this.rng = deps.rng;
  }

  open(): Lane {
    return new Lane(this);
  }

  /** Whether something will move by itself, without more time passing. */
  get busy(): boolean {
    return this.#ready.size > 0;
  }

  /** Calls back after a while, unless the broker was closed. */
  after(ms: number, callback: () => void): void {
    const { signal } = this.#life;
    void this.clock.sleep(ms, signal).then(() => {
      if (!signal.aborted) callback();
    });
  }

  close(): void {
    this.#life.abort();
  }

  /** For lanes alone: says that one has something to move, or not any more. */
  update(lane: Lane): void {
    if (lane.movable) this.#ready.add(lane);
    else this.#ready.delete(lane);
    if (this.#ready.size === 0 || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#scheduled = false;
    const lanes = [...this.#ready];
    const lane = lanes[Math.floor(this.rng.next() * lanes.length)];
    if (lane === undefined) return;
    const count = 1 + Math.floor(this.rng.next() * MAX_FRAMES_PER_TURN);
    for (let i = 0; i < count && lane.movable; i++) lane.move();
    this.update(lane);
  }
}

/** Frames on their way, in order. */
export class Lane {
  readonly #lanes: Lanes;
  #frames: { readonly run: Frame; readonly dueMs: number }[] = [];
  #paused = false;
  #lastDueMs = 0;
  #timer: AbortController | undefined;

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
  }

  get movable(): boolean {
    const [first] = this.#frames;
    return first !== undefined && !this.#paused && first.dueMs <= this.#lanes.clock.monotonicMs();
  }

  /** Puts a frame behind the others; it moves `delayMs` from now at the earliest. */
  post(run: Frame, delayMs = 0): void {
    const due = delayMs === 0 ? 0 : this.#lanes.clock.monotonicMs() + delayMs;
    this.#lastDueMs = Math.max(this.#lastDueMs, due);
    this.#frames.push({ run, dueMs: this.#lastDueMs });
    this.#update();
  }

  /** Nothing moves while it is paused, as when nobody reads a socket. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.#update();
  }

  /** Forgets what is on its way, and whatever is posted later on moves as if nothing had been. */
  cut(): void {
    this.#frames = [];
    this.#paused = false;
    this.#lastDueMs = 0;
    this.#update();
  }

  /** For `Lanes` alone. */
  move(): void {
    const frame = this.#frames.shift();
    if (frame?.run() === 'again') this.#frames.unshift(frame);
    this.#wait();
  }

  #update(): void {
    this.#lanes.update(this);
    this.#wait();
  }

  /** Wakes the lane when its first frame is due. */
  #wait(): void {
    this.#timer?.abort();
    this.#timer = undefined;
    const [first] = this.#frames;
    if (first === undefined) return;
    const waitMs = first.dueMs - this.#lanes.clock.monotonicMs();
    if (waitMs <= 0) {
      // it may have come due since the last look
      this.#lanes.update(this);
      return;
    }
    const timer = new AbortController();
    this.#timer = timer;
    void this.#lanes.clock.sleep(waitMs, timer.signal).then(() => {
      if (!timer.signal.aborted) this.#update();
    });
  }
}
