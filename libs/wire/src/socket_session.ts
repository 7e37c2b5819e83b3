import { CLOSE_CODES, type Contract, type ReplyOf, ServerFrame, SUBPROTOCOL, WsTicketReply } from '@warren/contracts';
import type * as z from 'zod';
import type { Api } from './api.ts';
import { EventFeed } from './event_feed.ts';
import { errorOfFrame, WarrenError } from './warren_error.ts';

export interface SocketSessionOptions {
  readonly api: Api;
  /** `/v1/ws` for players, `/v1/servers/ws` for game servers. */
  readonly path: string;
  /** A valid access token; asked for at every connect. */
  readonly token: () => Promise<string>;
  /** Told of every connect, loss and final end. */
  readonly onState?: (state: 'open' | 'lost' | 'closed', reason: string) => void;
  /** Events were lost beyond repair: read the state again. */
  readonly onGap?: () => void;
}

export interface RequestOptions {
  /** Idempotency key; made when absent. */
  readonly key?: string;
  readonly deadlineMs?: number;
}

interface Pending {
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: WarrenError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const ACK_AFTER_MS = 1_000;
const CONNECT_TIMEOUT_MS = 10_000;
const RECONNECT_BASE_MS = 100;
const RECONNECT_MAX_MS = 5_000;
const MAX_PENDING = 256;
/** Closed for good: a newer connection took over, or the session ended. */
const FINAL_CODES: ReadonlySet<number> = new Set([CLOSE_CODES.replaced, CLOSE_CODES.forbidden]);

/**
 * One lasting connection: authenticates by a single-use ticket, answers requests, receives events in order without
 * repeats, and after a loss connects again and takes up where it was.
 */
export class SocketSession {
  readonly events = new EventFeed();
  readonly #options: SocketSessionOptions;
  readonly #pending = new Map<string, Pending>();
  #socket: WebSocket | undefined;
  #session: string | undefined;
  #lastSeq = 0;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #counter = 0;
  #closed = false;
  #reconnecting = false;
  #reconnectAfterMs: number | undefined;

  constructor(options: SocketSessionOptions) {
    this.#options = options;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Resolves when the gateway has accepted the connection. @throws WarrenError */
  async open(): Promise<void> {
    await this.#connect();
  }

  /** Sends one request and waits for its reply. @throws WarrenError; a retryable one is safe to retry with the same key */
  async request<C extends Contract>(contract: C, dto: z.input<C['dto']>, options: RequestOptions = {}): Promise<ReplyOf<C>> {
    const type = contract.ws ?? contract.name;
    const id = String(++this.#counter);
    const deadlineMs = options.deadlineMs ?? contract.deadlineMs;
    const frame = { id, type, payload: dto, key: options.key ?? crypto.randomUUID(), deadlineMs };
    const payload = await new Promise<unknown>((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN || this.#session === undefined) return reject(notConnected());
      if (this.#pending.size >= MAX_PENDING) return reject(new WarrenError('CLIENT_BUSY', 'Too many requests wait for a reply.', { retryable: true }));
      const timer = setTimeout(() => this.#settle(id, (entry) => entry.reject(timedOut())), deadlineMs + ACK_AFTER_MS);
      this.#pending.set(id, { resolve, reject, timer });
      this.#send(frame);
    });
    return contract.reply.parse(payload) as ReplyOf<C>;
  }

  /** Ends the connection for good. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#ackTimer);
    this.#socket?.close(1000);
    this.#failPending();
  }

  /** Breaks the connection as a bad network would; it comes back by itself. For tests and drills. */
  drop(): void {
    this.#socket?.close(4000);
  }

  async #connect(): Promise<void> {
    const { api, path, token } = this.#options;
    const { ticket } = WsTicketReply.parse(await api.request('POST', '/v1/ws-tickets', { token: await token(), retryForMs: CONNECT_TIMEOUT_MS }));
    const socket = new WebSocket(api.baseUrl.replace(/^http/, 'ws') + path, SUBPROTOCOL);
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => socket.close(4000), CONNECT_TIMEOUT_MS);
      socket.addEventListener('open', () => socket.send(JSON.stringify({ auth: { ticket } })));
      socket.addEventListener('message', (message) => this.#receive(message.data, resolve));
      socket.addEventListener('error', () => undefined);
      socket.addEventListener('close', (event) => {
        clearTimeout(timer);
        reject(new WarrenError('CONNECTION_CLOSED', `The connection was closed (${event.code} ${event.reason}).`, { retryable: !FINAL_CODES.has(event.code) }));
        this.#lost(socket, event.code, event.reason);
      });
    });
  }

  #receive(data: unknown, onWelcome: () => void): void {
    if (typeof data !== 'string') return;
    const parsed = ServerFrame.safeParse(JSON.parse(data));
    if (!parsed.success) return;
    const frame = parsed.data;
    if ('welcome' in frame) this.#welcome(frame.welcome, onWelcome);
    else if ('seq' in frame) this.#event(frame);
    else if ('id' in frame) this.#settle(frame.id, (entry) => (frame.ok ? entry.resolve(frame.payload) : entry.reject(errorOfFrame(frame.error))));
    else if ('gap' in frame) this.#gap(frame.gap.firstSeq);
    else if ('goodbye' in frame) this.#reconnectAfterMs = frame.goodbye.reconnectAfterMs;
  }

  #welcome(welcome: { session: string; lastSeq: number }, onWelcome: () => void): void {
    const known = this.#session;
    this.#session = welcome.session;
    if (known === welcome.session) {
      this.#send({ resume: { session: known, lastSeq: this.#lastSeq } });
    } else {
      // the first connection, or the gateway lost its memory and numbers events anew
      this.#lastSeq = welcome.lastSeq;
      if (known !== undefined) this.#options.onGap?.();
    }
    this.#options.onState?.('open', 'connected');
    onWelcome();
  }

  /** At least once from the gateway, once for the listener. */
  #event(frame: { seq: number; type: string; payload: unknown }): void {
    if (frame.seq <= this.#lastSeq) return;
    this.#lastSeq = frame.seq;
    this.#ackTimer ??= setTimeout(() => {
      this.#ackTimer = undefined;
      this.#send({ ack: this.#lastSeq });
    }, ACK_AFTER_MS);
    this.events.emit(frame.type, frame.payload);
  }

  #gap(firstSeq: number): void {
    this.#lastSeq = Math.max(this.#lastSeq, firstSeq - 1);
    this.#options.onGap?.();
  }

  #settle(id: string, how: (entry: Pending) => void): void {
    const entry = this.#pending.get(id);
    if (entry === undefined) return;
    this.#pending.delete(id);
    clearTimeout(entry.timer);
    how(entry);
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #lost(socket: WebSocket, code: number, reason: string): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#failPending();
    const final = this.#closed || FINAL_CODES.has(code) || this.#session === undefined;
    if (final) this.#closed = true;
    this.#options.onState?.(final ? 'closed' : 'lost', `${code} ${reason}`.trim());
    if (!final && !this.#reconnecting) void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    this.#reconnecting = true;
    for (let tries = 0; !this.#closed; tries++) {
      const cap = Math.min(RECONNECT_MAX_MS, RECONNECT_BASE_MS * 2 ** tries);
      const wait = this.#reconnectAfterMs ?? cap / 2 + (Math.random() * cap) / 2;
      this.#reconnectAfterMs = undefined;
      await new Promise((resolve) => setTimeout(resolve, wait));
      const failure = this.#closed ? undefined : await this.#connect().catch((error: unknown) => error);
      if (failure === undefined) break;
      if (failure instanceof WarrenError && failure.retryable) continue;
      this.#closed = true;
      this.#options.onState?.('closed', failure instanceof Error ? failure.message : 'failed');
    }
    this.#reconnecting = false;
  }

  #failPending(): void {
    for (const id of [...this.#pending.keys()]) this.#settle(id, (entry) => entry.reject(lost()));
  }
}

const notConnected = (): WarrenError => new WarrenError('NOT_CONNECTED', 'The connection is not open.', { retryable: true });
const timedOut = (): WarrenError => new WarrenError('SERVICE_TIMEOUT', 'No answer in time. The outcome is unknown; retry with the same key.', { retryable: true });
const lost = (): WarrenError => new WarrenError('CONNECTION_LOST', 'The connection was lost. The outcome is unknown; retry with the same key.', { retryable: true });
