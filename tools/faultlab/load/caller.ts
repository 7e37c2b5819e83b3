import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryEvent, HistoryWriter } from '../history/history.ts';
import type { Verdict } from './verdict.ts';

/** One thing that somebody wants done, under one key however often it is tried. */
export interface Call {
  readonly process: string;
  readonly op: string;
  readonly key: string;
  /** The same key gets the same answer for days; otherwise the answer follows the state. */
  readonly replayable: boolean;
  readonly send: () => Promise<Verdict>;
}

export interface CallManner {
  /** Sends the first attempt twice at once, as a client with an impatient proxy does. */
  readonly doubled: boolean;
  /** Walks away after a first attempt that did not succeed. */
  readonly impatient: boolean;
}

export type Ending =
  | { readonly type: 'ok'; readonly value: unknown }
  | { readonly type: 'refused'; readonly code: string }
  | { readonly type: 'given_up' };

export interface CallerDeps {
  readonly history: HistoryWriter;
  readonly random: () => number;
  /** How long after the end of the load calls go on trying, milliseconds. */
  readonly patienceMs: number;
}

const FIRST_PAUSE_MS = 60;
const LONGEST_PAUSE_MS = 2_500;
/** Every so manieth success is remembered, to be asked for once more when all is well. */
const REMEMBER_EVERY = 40;
const MAX_REMEMBERED = 400;
const PATIENT: CallManner = { doubled: false, impatient: false };

/** Makes calls, writes down what happens to them, and repeats them with the same key until the outcome is known. */
export class Caller {
  readonly #deps: CallerDeps;
  readonly #attempts = new Map<string, number>();
  readonly #walkedAway: Call[] = [];
  readonly #remembered: Call[] = [];
  #successes = 0;
  readonly #unsettled: Call[] = [];
  #running = 0;
  #endAt = Number.POSITIVE_INFINITY;

  constructor(deps: CallerDeps) {
    this.#deps = deps;
  }

  get running(): number {
    return this.#running;
  }

  /**
   * Asks once more, with the same keys, for what somebody left without knowing, and for some of what is long done. Every
   * outcome is known then.
   */
  async askAgain(): Promise<void> {
    this.finish();
    for (const call of this.#walkedAway.splice(0)) await this.run(call, PATIENT);
    for (const call of this.#remembered.splice(0)) await this.run(call, PATIENT);
  }

  /** Calls that never came to an end although somebody waited for it. */
  get unsettled(): readonly Call[] {
    return this.#unsettled;
  }

  /** From now on the time of all calls is limited. */
  finish(): void {
    this.#endAt = performance.now() + this.#deps.patienceMs;
  }

  async run(call: Call, manner: CallManner): Promise<Ending> {
    this.#running += 1;
    try {
      return await this.#settle(call, manner);
    } finally {
      this.#running -= 1;
    }
  }

  /** One attempt; its verdict is in the history when it resolves. */
  async attempt(call: Call): Promise<Verdict> {
    const attempt = (this.#attempts.get(call.key) ?? 0) + 1;
    this.#attempts.set(call.key, attempt);
    const { process, op, key } = call;
    const base = { process, op, key, attempt };
    this.#deps.history.add({ ...base, type: 'invoke', t_mono: performance.now(), value: undefined });
    const verdict = await call.send();
    this.#deps.history.add({ ...base, ...factsOf(verdict), t_mono: performance.now() });
    return verdict;
  }

  async #settle(call: Call, { doubled, impatient }: CallManner): Promise<Ending> {
    for (let round = 1; performance.now() < this.#endAt; round++) {
      const twins = doubled && round === 1 ? 2 : 1;
      const verdicts = await Promise.all(Array.from({ length: twins }, () => this.attempt(call)));
      const ending = endingOf(verdicts);
      if (ending !== undefined) return this.#end(call, ending);
      if (impatient) {
        // who was told that nothing was done is left alone: it must have been the truth
        if (verdicts.some(({ type }) => type === 'info')) this.#walkedAway.push(call);
        return { type: 'given_up' };
      }
      await sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (round - 1)) * (0.5 + this.#deps.random() / 2));
    }
    this.#unsettled.push(call);
    return { type: 'given_up' };
  }

  #end(call: Call, ending: Ending): Ending {
    const isRemembered = ending.type === 'ok' && ++this.#successes % REMEMBER_EVERY === 0;
    if (isRemembered && this.#remembered.length < MAX_REMEMBERED && call.replayable) this.#remembered.push(call);
    else this.#attempts.delete(call.key);
    return ending;
  }
}

function factsOf(verdict: Verdict): Pick<HistoryEvent, 'type' | 'code' | 'refused' | 'value'> {
  switch (verdict.type) {
    case 'ok':
      return { type: 'ok', value: verdict.value };
    case 'fail':
      return { type: 'fail', code: verdict.code, refused: verdict.refused, value: undefined };
    case 'info':
      return { type: 'info', code: verdict.code, value: undefined };
    default:
      return verdict satisfies never;
  }
}

function endingOf(verdicts: readonly Verdict[]): Ending | undefined {
  const done = verdicts.find((verdict) => verdict.type === 'ok');
  if (done?.type === 'ok') return { type: 'ok', value: done.value };
  const refused = verdicts.find((verdict) => verdict.type === 'fail' && verdict.refused);
  return refused?.type === 'fail' ? { type: 'refused', code: refused.code } : undefined;
}
