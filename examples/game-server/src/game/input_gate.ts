import type { Slot } from './game_event.ts';
import type { Input } from './input_frame.ts';
import { InputFrame } from './input_frame.ts';
import { MAX_INPUT_LEAD_TICKS } from './rules.ts';

/** Why an input was refused; stable, part of the protocol. */
export const REFUSAL_CODES = [
  'INPUT_ILLEGAL',
  'INPUT_FOREIGN_SLOT',
  'INPUT_LATE',
  'INPUT_TOO_FAR_AHEAD',
  'INPUT_DUPLICATE',
  'INPUT_GAME_OVER',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** `nextTick` is the tick the server simulates next: a client that was late aims further ahead by it. */
export type GateAnswer =
  | { ok: true; tick: number; nextTick: number }
  | { ok: false; code: RefusalCode; nextTick: number; tick?: number };

/** A client that sends this many illegal or foreign inputs is broken or hostile and may be disconnected. */
export const MAX_OFFENCES = 20;

export interface InputGateDeps {
  slot: Slot;
  /** The next tick to be simulated. */
  nextTick: number;
  maxLeadTicks?: number;
}

/**
 * The inputs of one player before they are simulated: at most one per tick, never for a tick that has been simulated,
 * never more than `maxLeadTicks` ahead. It holds at most maxLeadTicks + 1 inputs whatever a client sends.
 */
export class InputGate {
  readonly #slot: Slot;
  readonly #maxLead: number;
  readonly #waiting = new Map<number, Input>();
  #nextTick: number;
  #offences = 0;
  #closed = false;

  constructor({ slot, nextTick, maxLeadTicks = MAX_INPUT_LEAD_TICKS }: InputGateDeps) {
    this.#slot = slot;
    this.#nextTick = nextTick;
    this.#maxLead = maxLeadTicks;
  }

  /** Whether this client sent MAX_OFFENCES illegal or foreign inputs; late ones do not count, a slow link is no crime. */
  get abusive(): boolean {
    return this.#offences >= MAX_OFFENCES;
  }

  /** Inputs accepted and not yet taken. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Judges an untrusted input sent by the player of `sender`; never throws. */
  offer(sender: Slot, raw: unknown): GateAnswer {
    const parsed = InputFrame.safeParse(raw);
    if (!parsed.success) return this.#refuse('INPUT_ILLEGAL');
    const { tick, move, dash = false, slot = sender } = parsed.data;
    const code = this.#judge(tick, sender === this.#slot && slot === this.#slot);
    if (code !== undefined) return this.#refuse(code, tick);
    this.#waiting.set(tick, { move, dash });
    return { ok: true, tick, nextTick: this.#nextTick };
  }

  /** The input of the next tick, or undefined when none came in time; afterwards that tick is late. */
  take(): Input | undefined {
    const input = this.#waiting.get(this.#nextTick);
    this.#waiting.delete(this.#nextTick);
    this.#nextTick += 1;
    return input;
  }

  /** The game is over: every further input is refused. */
  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  #judge(tick: number, own: boolean): RefusalCode | undefined {
    if (!own) return 'INPUT_FOREIGN_SLOT';
    if (this.#closed) return 'INPUT_GAME_OVER';
    if (tick < this.#nextTick) return 'INPUT_LATE';
    if (tick > this.#nextTick + this.#maxLead) return 'INPUT_TOO_FAR_AHEAD';
    return this.#waiting.has(tick) ? 'INPUT_DUPLICATE' : undefined;
  }

  #refuse(code: RefusalCode, tick?: number): GateAnswer {
    if (code === 'INPUT_ILLEGAL' || code === 'INPUT_FOREIGN_SLOT') {
      this.#offences = Math.min(MAX_OFFENCES, this.#offences + 1);
    }
    const refusal = { ok: false, code, nextTick: this.#nextTick } as const;
    return tick === undefined ? refusal : { ...refusal, tick };
  }
}
