import { isDeepStrictEqual } from 'node:util';
import { Problem, TicketReply } from '@warren/contracts';
import { OperationHistory, type SeededRng } from '@warren/testing';
import { type HttpCall, type HttpOutcome, HttpSender } from '../../e2e/support/http_sender.ts';
import { pause } from './pause.ts';

/** Somebody who has logged in beforehand. */
export interface LoadPlayer {
  readonly id: string;
  readonly token: string;
}

export interface TicketLoadOptions {
  /** Begins every key of this load. */
  readonly name: string;
  /** URLs of the gateways that can be reached now. */
  readonly targets: () => readonly string[];
  readonly players: readonly LoadPlayer[];
  readonly mode: string;
  /** Commands begun per second while the machine and the players keep up. */
  readonly commandsPerSecond: number;
  readonly rng: SeededRng;
}

/** Requests that the load did not like, by what was wrong. */
export interface LoadFaults {
  /** Neither a success nor a refusal came in a minute and a half. */
  readonly unfinished: readonly string[];
  readonly unavailableWithoutRetryAfter: number;
  /** The same key, another answer. */
  readonly differing: readonly string[];
  /** Refusals: none of these calls may be refused. */
  readonly refused: readonly string[];
}

const GIVE_UP_AFTER_MS = 90_000;
const RETRY_PAUSE_MS = 200;
/** Share of the successes that are asked for again at once, with the same key. */
const REPEATED_SHARE = 0.1;
const TICK_MS = 20;
/** One ticket is made and cancelled. */
const COMMANDS_PER_PAIR = 2;

/**
 * Players who join matchmaking and leave it again, at a given rate whatever the answers (open loop), each of them as a careful
 * client: on any doubt the call is repeated with the same key, at whichever gateway is there. Every ticket carries the key of
 * its creation as its tag, so that effects can be counted in the database.
 */
export class TicketLoad {
  readonly history = new OperationHistory();
  readonly #options: TicketLoadOptions;
  readonly #sender: HttpSender;
  readonly #idle: LoadPlayer[];
  readonly #calls = new Map<string, HttpCall>();
  readonly #running = new Set<Promise<void>>();
  readonly #differing: string[] = [];
  #withoutRetryAfter = 0;
  #slowestMs = 0;
  #counter = 0;
  #due = 0;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;

  constructor(options: TicketLoadOptions) {
    this.#options = options;
    this.#sender = new HttpSender(options.targets);
    this.#idle = [...options.players];
  }

  start(): void {
    const { commandsPerSecond } = this.#options;
    this.#startedAt = performance.now();
    let last = this.#startedAt;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#due += ((now - last) / 1_000) * (commandsPerSecond / COMMANDS_PER_PAIR);
      last = now;
      for (; this.#due >= 1; this.#due--) this.#beginPair();
    }, TICK_MS);
  }

  /** Begins nothing new, and waits until everything under way has a definite answer or is given up. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  /** Frees the connections; nothing can be sent any more. */
  close(): void {
    this.#sender.close();
  }

  /** Longest time that one request took to be answered. */
  get slowestMs(): number {
    return Math.round(this.#slowestMs);
  }

  /** Commands answered per second from the start until `at`. */
  rateUntil(at: number): number {
    const early = this.history.withOutcome('ok').filter(({ endedAt = at }) => endedAt < at);
    return Math.round((early.length * 1_000) / Math.max(1, at - this.#startedAt));
  }

  get faults(): LoadFaults {
    const describe = ({ kind, key, answer, tries }: (typeof this.history.all)[number]): string =>
      `${kind} ${key}: ${tries.slice(-3).join(', ')} ${JSON.stringify(answer)}`;
    return {
      unfinished: this.history.withOutcome('pending').map(describe),
      unavailableWithoutRetryAfter: this.#withoutRetryAfter,
      differing: this.#differing,
      refused: this.history.withOutcome('refused').map(describe),
    };
  }

  /** Asks again for up to `limit` successes with their keys; answers that differ are among the faults. Resolves to how many. */
  async replay(limit: number): Promise<number> {
    const chosen = this.#options.rng.shuffle(this.history.withOutcome('ok')).slice(0, limit);
    for (const { key, answer } of chosen) await this.#repeat(key, answer);
    return chosen.length;
  }

  #beginPair(): void {
    const player = this.#idle.shift();
    if (player === undefined) return;
    const running = this.#queueAndLeave(player).finally(() => {
      this.#running.delete(running);
      this.#idle.push(player);
    });
    this.#running.add(running);
  }

  async #queueAndLeave(player: LoadPlayer): Promise<void> {
    const key = this.#newKey('create');
    const body = { mode: this.#options.mode, client_tag: key };
    const created = await this.#call(player, 'create', key, { path: '/v1/tickets', body });
    if (created === undefined) return;
    const { ticket_id: ticketId } = TicketReply.parse(created);
    const path = `/v1/tickets/${ticketId}/cancel`;
    await this.#call(player, 'cancel', this.#newKey('cancel'), { path, body: {} });
  }

  #newKey(kind: string): string {
    return `${this.#options.name}-${kind}-${String(++this.#counter).padStart(6, '0')}-${this.#options.rng.int(0, 0xffff_ffff).toString(16)}`;
  }

  async #call(
    player: LoadPlayer,
    kind: string,
    key: string,
    { path, body }: { readonly path: string; readonly body: object },
  ): Promise<unknown> {
    const headers = { authorization: `Bearer ${player.token}`, 'idempotency-key': key };
    const call: HttpCall = { method: 'POST', path, headers, body };
    this.#calls.set(key, call);
    this.history.begin(kind, key, player.id);
    const answer = await this.#untilAnswered(key, call);
    if (answer === undefined) return undefined;
    const isSuccess = answer.status < 300;
    this.history.end(key, isSuccess ? 'ok' : 'refused', answer.body);
    if (!isSuccess) return undefined;
    if (this.#options.rng.chance(REPEATED_SHARE)) await this.#repeat(key, answer.body);
    return answer.body;
  }

  async #repeat(key: string, answer: unknown): Promise<void> {
    const call = this.#calls.get(key);
    if (call === undefined) throw new Error(`no call has the key ${key}`);
    const again = await this.#untilAnswered(key, call);
    if (again === undefined || !isDeepStrictEqual(again.body, answer)) {
      this.#differing.push(`${key}: ${JSON.stringify(answer)} became ${again?.status} ${JSON.stringify(again?.body)}`);
    }
  }

  /** Repeats the call with its key until the answer is definite; undefined when it is given up. */
  async #untilAnswered(
    key: string,
    call: HttpCall,
  ): Promise<{ readonly status: number; readonly body: unknown } | undefined> {
    const until = performance.now() + GIVE_UP_AFTER_MS;
    while (performance.now() < until) {
      const startedAt = performance.now();
      const outcome = await this.#sender.send(call);
      if (outcome.kind === 'answered') this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
      this.history.tried(key, endingOf(outcome));
      if (outcome.kind === 'answered' && outcome.status === 503 && outcome.retryAfter === undefined)
        this.#withoutRetryAfter++;
      if (outcome.kind === 'answered' && !isDoubtful(outcome)) return outcome;
      await pause(RETRY_PAUSE_MS);
    }
    return undefined;
  }
}

const endingOf = (outcome: HttpOutcome): string =>
  outcome.kind === 'answered' ? String(outcome.status) : outcome.kind;

/** Whether the same call may yet end in a success. */
function isDoubtful({ status, body }: Extract<HttpOutcome, { kind: 'answered' }>): boolean {
  if (status < 300) return false;
  const problem = Problem.safeParse(body);
  return status >= 500 || (problem.success && problem.data.retryable);
}
