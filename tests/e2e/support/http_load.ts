import * as z from 'zod';
import { type HttpCall, type HttpOutcome, HttpSender } from './http_sender.ts';

export interface LoadReport {
  /** Calls that were begun; each is one or more requests with the same key. */
  readonly calls: number;
  /** Requests by status or kind. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly broken: readonly string[];
  readonly unavailableWithoutRetryAfter: number;
  /** Calls that never succeeded. */
  readonly failed: readonly string[];
  readonly slowestMs: number;
}

const GIVE_UP_AFTER_MS = 20_000;
const RETRY_PAUSE_MS = 100;
/** A machine that is too slow for the load is not buried under it. */
const MAX_RUNNING = 40;
const Answer = z.record(z.string(), z.unknown());

/** A client of several gateways as a careful one is: on any doubt it repeats the call elsewhere with the same key. */
export class HttpLoad {
  readonly #sender: HttpSender;
  readonly #outcomes = new Map<string, number>();
  readonly #broken: string[] = [];
  readonly #failed: string[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #calls = 0;
  #withoutRetryAfter = 0;
  #slowestMs = 0;

  constructor(targets: () => readonly string[]) {
    this.#sender = new HttpSender(targets);
  }

  /** Makes calls in the background, unless too many are under way. */
  begin(job: () => Promise<unknown>): void {
    if (this.#running.size >= MAX_RUNNING) return;
    const running = job().finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves to the body of the success; undefined when it never came, which the report tells. */
  async call(spec: HttpCall): Promise<Record<string, unknown> | undefined> {
    this.#calls++;
    const startedAt = performance.now();
    let last = '';
    do {
      const outcome = await this.#sender.send(spec);
      this.#count(spec, outcome);
      if (outcome.kind === 'answered' && outcome.status < 300) {
        this.#slowestMs = Math.max(this.#slowestMs, performance.now() - startedAt);
        return Answer.parse(outcome.body);
      }
      last = outcome.kind === 'answered' ? `${outcome.status} ${JSON.stringify(outcome.body)}` : outcome.kind;
      if (outcome.kind === 'answered' && outcome.status < 500) break;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
    } while (performance.now() - startedAt < GIVE_UP_AFTER_MS);
    this.#failed.push(`${spec.method} ${spec.path}: ${last}`);
    return undefined;
  }

  /** Waits for everything that is under way. */
  async finish(): Promise<LoadReport> {
    await Promise.all(this.#running);
    this.#sender.close();
    return {
      calls: this.#calls,
      outcomes: Object.fromEntries(this.#outcomes),
      broken: this.#broken,
      unavailableWithoutRetryAfter: this.#withoutRetryAfter,
      failed: this.#failed,
      slowestMs: Math.round(this.#slowestMs),
    };
  }

  #count({ method, path }: HttpCall, outcome: HttpOutcome): void {
    const name = outcome.kind === 'answered' ? String(outcome.status) : outcome.kind;
    this.#outcomes.set(name, (this.#outcomes.get(name) ?? 0) + 1);
    if (outcome.kind === 'broken') this.#broken.push(`${method} ${path}: ${outcome.reason}`);
    if (outcome.kind === 'answered' && outcome.status === 503 && outcome.retryAfter === undefined)
      this.#withoutRetryAfter++;
  }
}
