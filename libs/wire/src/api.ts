import type { Contract, ReplyOf } from '@warren/contracts';
import * as z from 'zod';
import { exchange } from './http_exchange.ts';
import { retrying } from './retry.ts';
import { unexpectedReply } from './warren_error.ts';

export interface ApiOptions {
  /** `https://play.example.com`, without a path. */
  readonly baseUrl: string;
  /** For tests and odd run-times; the global fetch otherwise. */
  readonly fetch?: typeof fetch;
  /** For run-times without a global one (Node before 22): the class of the package `ws`, or another of the same form. */
  readonly webSocket?: typeof WebSocket;
}

export interface CallOptions {
  /** Access token. */
  readonly token?: string;
  /** Idempotency key, 8 to 128 visible ASCII characters; made when absent. Keep it to retry a call whose outcome is unknown. */
  readonly key?: string;
  /** Made once by a client and kept; stands for the player before there is one. */
  readonly deviceNonce?: string;
  /** Keeps trying for this long where an answer is retryable, with the same key, milliseconds. 0: one try. */
  readonly retryForMs?: number;
  /** Ends the call at once, also while it waits for its next try, with CALL_ABORTED. */
  readonly signal?: AbortSignal;
  /** W3C traceparent of the work that this call belongs to. */
  readonly traceparent?: string;
}

/** A little more than the longest deadline of a contract, so that the gateway's own answer comes first. */
const NETWORK_MARGIN_MS = 5_000;

/** Calls contracts over HTTP. Whatever goes wrong is a WarrenError; what is retryable is retried with the same key. */
export class Api {
  readonly baseUrl: string;
  /** The class with which sockets are opened. @throws TypeError where this run-time has none and none was given */
  readonly webSocket: () => typeof WebSocket;
  readonly #fetch: typeof fetch;

  /** @throws TypeError for a baseUrl that is no http or https address */
  constructor(options: ApiOptions) {
    if (!/^https?:\/\/[^/]/.test(options.baseUrl)) {
      throw new TypeError(`the address of the gateway is "${options.baseUrl}", not like https://play.example.com`);
    }
    this.baseUrl = options.baseUrl.replace(/\/+$/, '');
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.webSocket = () => {
      const found = options.webSocket ?? globalThis.WebSocket;
      if (found === undefined) throw new TypeError('there is no WebSocket here: give one as the option webSocket');
      return found;
    };
  }

  /** @throws WarrenError with the codes of the contract, of docs/errors.md, or CALL_ABORTED */
  async call<C extends Contract>(contract: C, dto: z.input<C['dto']>, options: CallOptions = {}): Promise<ReplyOf<C>> {
    const { http } = contract;
    if (http === undefined) throw new TypeError(`${contract.name} has no HTTP route`);
    const { path, rest } = fillPath(http.path, dto);
    const headers = headersOf(options);
    if (options.traceparent !== undefined) headers.set('traceparent', options.traceparent);
    if (options.deviceNonce !== undefined) headers.set('warren-device-nonce', options.deviceNonce);
    if (http.method !== 'GET') {
      headers.set('content-type', 'application/json');
      headers.set('idempotency-key', options.key ?? crypto.randomUUID());
    }
    const init = { method: http.method, headers, ...(http.method === 'GET' ? {} : { body: JSON.stringify(rest) }) };
    const reply = await this.#send(path, init, contract.deadlineMs + NETWORK_MARGIN_MS, options);
    const parsed = z.safeParse<C['reply']>(contract.reply, reply);
    if (!parsed.success) throw unexpectedReply(contract.name, parsed.error);
    return parsed.data;
  }

  /** A plain request for what is not a contract (tickets, keys). Answers JSON. @throws WarrenError */
  request(method: 'GET' | 'POST', path: string, options: CallOptions = {}): Promise<unknown> {
    const headers = headersOf(options);
    if (method === 'POST') headers.set('content-type', 'application/json');
    const init = { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) };
    return this.#send(path, init, NETWORK_MARGIN_MS, options);
  }

  #send(path: string, init: RequestInit, timeoutMs: number, options: CallOptions): Promise<unknown> {
    const { signal } = options;
    return retrying(options, () => exchange(this.#fetch, { url: this.baseUrl + path, init, timeoutMs, signal }));
  }
}

function headersOf(options: CallOptions): Headers {
  const headers = new Headers({ accept: 'application/json' });
  if (options.token !== undefined) headers.set('authorization', `Bearer ${options.token}`);
  return headers;
}

/** Puts the DTO's fields into `{field}` places of the path; the rest is the body. */
function fillPath(template: string, dto: unknown): { path: string; rest: Record<string, unknown> } {
  const rest: Record<string, unknown> = typeof dto === 'object' && dto !== null ? { ...dto } : {};
  const path = template.replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = rest[field];
    delete rest[field];
    // an address resolves dots before anybody sees them: the call would go somewhere else
    if (typeof value !== 'string' || /^\.{0,2}$/.test(value)) throw new TypeError(`${field} cannot stand in a path`);
    return encodeURIComponent(value);
  });
  return { path, rest };
}
