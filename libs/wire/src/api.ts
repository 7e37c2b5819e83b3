import { type Contract, Problem, type ReplyOf } from '@warren/contracts';
import type * as z from 'zod';
import { errorOfProblem, WarrenError } from './warren_error.ts';

export interface ApiOptions {
  /** `https://play.example.com`, without a path. */
  readonly baseUrl: string;
  /** For tests and odd run-times; the global fetch otherwise. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  /** Access token. */
  readonly token?: string;
  /** Idempotency key; made when absent. Keep it to retry a call whose outcome is unknown. */
  readonly key?: string;
  /** Made once by a client and kept; stands for the player before there is one. */
  readonly deviceNonce?: string;
  /** Keeps trying for this long where an answer is retryable, with the same key. 0: one try. */
  readonly retryForMs?: number;
  readonly signal?: AbortSignal;
  /** W3C traceparent of the work that this call belongs to. */
  readonly traceparent?: string;
}

/** A little more than the longest deadline of a contract, so that the gateway's own answer comes first. */
const NETWORK_MARGIN_MS = 5_000;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 2_000;

/** Calls contracts over HTTP. */
export class Api {
  readonly baseUrl: string;
  readonly #fetch: typeof fetch;

  constructor(options: ApiOptions) {
    this.baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** @throws WarrenError */
  async call<C extends Contract>(contract: C, dto: z.input<C['dto']>, options: CallOptions = {}): Promise<ReplyOf<C>> {
    const { http } = contract;
    if (http === undefined) throw new TypeError(`${contract.name} has no HTTP route`);
    const { path, rest } = fillPath(http.path, dto);
    const headers = new Headers({ accept: 'application/json' });
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
    if (options.traceparent !== undefined) headers.set('traceparent', options.traceparent);
    if (options.deviceNonce !== undefined) headers.set('warren-device-nonce', options.deviceNonce);
    if (http.method !== 'GET') {
      headers.set('content-type', 'application/json');
      headers.set('idempotency-key', options.key ?? crypto.randomUUID());
    }
    const init = { method: http.method, headers, ...(http.method === 'GET' ? {} : { body: JSON.stringify(rest) }) };
    const reply = await this.#withRetry(options, () => this.#once(this.baseUrl + path, init, contract.deadlineMs, options.signal));
    return contract.reply.parse(reply) as ReplyOf<C>;
  }

  /** A plain request for what is not a contract (tickets, keys). Answers JSON. @throws WarrenError */
  async request(method: 'GET' | 'POST', path: string, options: CallOptions = {}): Promise<unknown> {
    const headers = new Headers({ accept: 'application/json' });
    if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
    if (method === 'POST') headers.set('content-type', 'application/json');
    const init = { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) };
    return this.#withRetry(options, () => this.#once(this.baseUrl + path, init, NETWORK_MARGIN_MS, options.signal));
  }

  async #withRetry(options: CallOptions, attempt: () => Promise<unknown>): Promise<unknown> {
    const until = Date.now() + (options.retryForMs ?? 0);
    for (let tries = 0; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof WarrenError) || !error.retryable) throw error;
        const cap = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** tries);
        const wait = Math.max((error.retryAfterSeconds ?? 0) * 1_000, cap / 2 + (Math.random() * cap) / 2);
        if (options.signal?.aborted === true || Date.now() + wait > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  async #once(url: string, init: RequestInit, deadlineMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    const timeout = AbortSignal.timeout(deadlineMs + NETWORK_MARGIN_MS);
    const signals = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    let response: Response;
    let body: unknown;
    try {
      response = await this.#fetch(url, { ...init, signal: signals, redirect: 'error' });
      const text = await response.text();
      body = text === '' ? null : JSON.parse(text);
    } catch (cause) {
      throw new WarrenError('NETWORK_FAILED', 'The server could not be reached. The outcome is unknown; retry with the same key.', { retryable: true, cause });
    }
    if (response.ok) return body;
    const problem = Problem.safeParse(body);
    const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
    if (problem.success) throw errorOfProblem(problem.data, Number.isFinite(retryAfter) ? retryAfter : undefined);
    throw new WarrenError('HTTP_UNEXPECTED', `The server answered ${response.status}.`, { status: response.status, retryable: response.status >= 500 });
  }
}

/** Puts the DTO's fields into `{field}` places of the path; the rest is the body. */
function fillPath(template: string, dto: unknown): { path: string; rest: Record<string, unknown> } {
  const rest: Record<string, unknown> = typeof dto === 'object' && dto !== null ? { ...dto } : {};
  const path = template.replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = rest[field];
    delete rest[field];
    return encodeURIComponent(String(value));
  });
  return { path, rest };
}
