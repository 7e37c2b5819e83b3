import type { Rng } from '@warren/kernel';

/** How often what goes wrong: shares from 0 to 1, drawn for each case. */
export interface FaultPlan {
  /** Of frames to the broker: the connection breaks before the frame is read. */
  readonly cut: number;
  /** Of connection attempts: nobody listens. */
  readonly refuse: number;
  /** Of confirms: the connection breaks before it arrives, although the broker has the message. */
  readonly loseConfirm: number;
  /** Of messages: each queue gets it twice, as if a sender had sent it again. */
  readonly duplicate: number;
  /** Of messages: it takes any place in the queue instead of the last one. */
  readonly reorder: number;
  /** Frames take this long, in both directions: drawn between the two. */
  readonly delayMs: readonly [number, number];
}

const NONE: FaultPlan = { cut: 0, refuse: 0, loseConfirm: 0, duplicate: 0, reorder: 0, delayMs: [0, 0] };

/** Draws faults. Without any it draws nothing, so that a run without faults does not depend on how many were asked for. */
export class Faults {
  readonly #rng: Rng;
  #plan: FaultPlan = NONE;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** From now on these, and no others. */
  set(plan: Partial<FaultPlan>): void {
    this.#plan = { ...NONE, ...plan };
  }

  strikes(fault: Exclude<keyof FaultPlan, 'delayMs'>): boolean {
    const share = this.#plan[fault];
    return share > 0 && this.#rng.next() < share;
  }

  delayMs(): number {
    const [least, most] = this.#plan.delayMs;
    return most === 0 ? 0 : Math.round(least + this.#rng.next() * (most - least));
  }

  /** A share of the way through a queue. */
  place(): number {
    return this.#rng.next();
  }
}
