import http from 'node:http';
import * as z from 'zod';

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
}

/**
 * What became of one request: answered; `refused`, never taken; `stale`, sent on a kept connection that the server had closed
 * before it read it, which HTTP cannot exclude and clients repeat; or `broken`, taken and dropped.
 */
type Outcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly body: unknown;
    }
  | { readonly kind: 'refused' | 'stale' }
  | { readonly kind: 'broken'; readonly reason: string };

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
const REQUEST_TIMEOUT_MS = 15_000;
const MAX_SOCKETS = 64;
/** A machine that is too slow for the load is not buried under it. */
const MAX_RUNNING = 40;
const STALE_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
const Answer = z.record(z.string(), z.unknown());

/** A client of several gateways as a careful one is: on any doubt it repeats the call elsewhere with the same key. */
export class HttpLoad {
  readonly #targets: () => readonly string[];
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  readonly #outcomes = new Map<string, number>();
  readonly #broken: string[] = [];
  readonly #failed: string[] = [];
  readonly #running = new Set<Promise<unknown>>();
  #calls = 0;
  #next = 0;
  #withoutRetryAfter = 0;
  #slowestMs = 0;

  constructor(targets: () => readonly string[]) {
    this.#targets = targets;
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
      const outcome = await this.#request(spec);
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
    this.#agent.destroy();
    return {
      calls: this.#calls,
      outcomes: Object.fromEntries(this.#outcomes),
      broken: this.#broken,
      unavailableWithoutRetryAfter: this.#withoutRetryAfter,
      failed: this.#failed,
      slowestMs: Math.round(this.#slowestMs),
    };
  }

  #count({ method, path }: HttpCall, outcome: Outcome): void {
    const name = outcome.kind === 'answered' ? String(outcome.status) : outcome.kind;
    this.#outcomes.set(name, (this.#outcomes.get(name) ?? 0) + 1);
    if (outcome.kind === 'broken') this.#broken.push(`${method} ${path}: ${outcome.reason}`);
    if (outcome.kind === 'answered' && outcome.status === 503 && outcome.retryAfter === undefined)
      this.#withoutRetryAfter++;
  }

  #request({ method, path, headers, body }: HttpCall): Promise<Outcome> {
    const targets = this.#targets();
    const target = targets[this.#next++ % targets.length];
    if (target === undefined) return Promise.resolve({ kind: 'refused' });
    const text = body === undefined ? undefined : JSON.stringify(body);
    const lengths =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
    return new Promise((resolve) => {
      const options = { method, agent: this.#agent, headers: { ...headers, ...lengths }, timeout: REQUEST_TIMEOUT_MS };
      const request = http.request(new URL(path, target), options, (response) => {
        readBody(response).then(
          (answer) =>
            resolve({
              kind: 'answered',
              status: response.statusCode ?? 0,
              retryAfter: response.headers['retry-after'],
              body: answer,
            }),
          (error: unknown) => resolve({ kind: 'broken', reason: `in the answer: ${String(error)}` }),
        );
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') resolve({ kind: 'refused' });
        else if (request.reusedSocket && STALE_CODES.has(error.code ?? '')) resolve({ kind: 'stale' });
        else resolve({ kind: 'broken', reason: error.code ?? error.message });
      });
      request.end(text);
    });
  }
}

async function readBody(response: http.IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return text === '' ? {} : JSON.parse(text);
}
