import {
  type Contract,
  MAX_FRAME_BYTES,
  type ReplyOf,
  type ServerFrame,
  SUBPROTOCOL,
  WsTicketReply,
} from '@warren/contracts';
import * as z from 'zod';
import { EventCursor } from './event_cursor.ts';
import { EventFeed } from './event_feed.ts';
import { PendingRequests } from './pending_requests.ts';
import { backoffMs, MAX_WAIT_MS, type RetryOptions, retrying, sleep } from './retry.ts';
import { connectionClosed, FINAL_CODES, isFinal, notConnected, SLOW_DOWN_CODES, tooLarge } from './socket_errors.ts';
import { LINK_CODES, type LinkEnd, SocketLink } from './socket_link.ts';
import type { RequestOptions, SessionState, SocketSessionOptions } from './socket_session_options.ts';
import { withToken } from './token_source.ts';
import { aborted, errorOfFrame, unexpectedReply, WarrenError } from './warren_error.ts';

const OPEN_FOR_MS = 15_000;
const ACK_AFTER_MS = 1_000;
/** More events than this are acknowledged at once: the gateway keeps 512. */
const ACK_AFTER_EVENTS = 64;
/** A reply has this long beyond the service's deadline. */
const REPLY_MARGIN_MS = 1_000;
const RECONNECT_MAX_MS = 5_000;
/** A connection that lived for less does not count as a success: the next wait is longer. */
const STABLE_AFTER_MS = 2_000;
/** After a close that blames this side the wait is at least this. */
const SLOW_DOWN_MS = 1_000;
const MIN_SILENCE_MS = 1_000;

type Welcome = Extract<ServerFrame, { welcome: unknown }>['welcome'];

/**
 * One lasting connection: authenticates by a single-use ticket, answers requests, receives events in order without
 * repeats, and after a loss connects again and takes up where it was.
 */
export class SocketSession {
  readonly events = new EventFeed(({ kind, error }) => this.#onFault(kind, error));
  readonly #options: SocketSessionOptions;
  readonly #pending = new PendingRequests();
  readonly #cursor = new EventCursor();
  readonly #stop = new AbortController();
  #opening: Promise<void> | undefined;
  /** Set from the welcome to the loss. */
  #link: SocketLink | undefined;
  #session: string | undefined;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #counter = 0;
  #tries = 0;
  #openedAt = 0;
  /** The server's word on when to come back, for the next wait. */
  #comeBackMs: number | undefined;

  constructor(options: SocketSessionOptions) {
    this.#options = options;
  }

  /** Number of the last event that was received; numbers count up by one and mean nothing to another session. */
  get lastSeq(): number {
    return this.#cursor.lastSeq;
  }

  /** Resolves when the gateway has accepted the connection. Call it once. @throws WarrenError, after which the session is over */
  open(): Promise<void> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /**
   * Sends one request and waits for its reply.
   * @throws WarrenError; CONNECTION_LOST, SERVICE_TIMEOUT and others that are retryable are safe to retry with the same key
   */
  async request<C extends Contract>(
    contract: C,
    dto: z.input<C['dto']>,
    options: RequestOptions = {},
  ): Promise<ReplyOf<C>> {
    const key = options.key ?? crypto.randomUUID();
    const payload = await retrying(options, () => this.#requestOnce(contract, dto, { ...options, key }));
    const parsed = z.safeParse<C['reply']>(contract.reply, payload);
    if (!parsed.success) throw unexpectedReply(contract.name, parsed.error);
    return parsed.data;
  }

  /** Ends the connection for good. */
  close(): void {
    this.#sendAck();
    this.#finish('closed by this side', LINK_CODES.closed);
  }

  /** Breaks the connection as a bad network would; it comes back by itself. For tests and drills. */
  drop(): void {
    this.#openedAt = Number.NEGATIVE_INFINITY;
    this.#link?.end(LINK_CODES.dropped, 'dropped');
  }

  async #open(): Promise<void> {
    const attempts: RetryOptions = { retryForMs: this.#options.openForMs ?? OPEN_FOR_MS, signal: this.#stop.signal };
    try {
      await retrying(attempts, () => this.#connect());
    } catch (error) {
      this.#finish(error instanceof Error ? error.message : 'failed');
      throw error;
    }
  }

  /** One try, from the token to the welcome. */
  async #connect(): Promise<void> {
    const { api, path, token } = this.#options;
    const { signal } = this.#stop;
    const Socket = api.webSocket();
    const ticket = await withToken(token, async (value) => {
      const parsed = WsTicketReply.safeParse(await api.request('POST', '/v1/ws-tickets', { token: value, signal }));
      if (!parsed.success) throw unexpectedReply('/v1/ws-tickets', parsed.error);
      return parsed.data.ticket;
    });
    if (signal.aborted) throw aborted(signal);
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => link.end(LINK_CODES.closed, '');
      const link = new SocketLink({
        socket: new Socket(api.baseUrl.replace(/^http/, 'ws') + path, SUBPROTOCOL),
        ticket,
        onFrame: (frame) => {
          if (!('welcome' in frame)) return this.#receive(link, frame);
          signal.removeEventListener('abort', onAbort);
          if (this.#link !== link) this.#welcome(link, frame.welcome);
          resolve();
        },
        onSilence: () => link.send({ resume: { session: this.#session, lastSeq: this.#cursor.lastSeq } }),
        onEnd: (end) => {
          signal.removeEventListener('abort', onAbort);
          reject(connectionClosed(end));
          this.#lost(link, end);
        },
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #receive(link: SocketLink, frame: ServerFrame): void {
    // before the welcome nothing is said but why there will be none
    if (this.#link !== link) return;
    if ('seq' in frame) this.#event(frame);
    else if ('id' in frame) {
      if (frame.ok) this.#pending.settle(frame.id, frame.payload);
      else this.#pending.fail(frame.id, errorOfFrame(frame.error));
    } else if ('gap' in frame) {
      if (this.#cursor.gap(frame.gap.lastSeq, frame.gap.firstSeq)) this.#tellGap();
    } else if ('goodbye' in frame) this.#comeBackMs = frame.goodbye.reconnectAfterMs;
  }

  #welcome(link: SocketLink, welcome: Welcome): void {
    const { session, lastSeq, heartbeatMs } = welcome;
    const known = this.#session;
    this.#link = link;
    this.#session = session;
    this.#openedAt = performance.now();
    link.welcomed(Math.min(MAX_WAIT_MS, Math.max(MIN_SILENCE_MS, heartbeatMs)));
    if (known === session) {
      link.send({ resume: { session, lastSeq: this.#cursor.lastSeq } });
      this.#cursor.acked(lastSeq);
      if (this.#cursor.unacked > 0) this.#ackLater();
    } else {
      // the first connection, or the gateway lost its memory and numbers events anew
      this.#cursor.reset(lastSeq);
      if (known !== undefined) this.#tellGap();
    }
    this.#tellState('open', 'connected');
  }

  #event(frame: { seq: number; type: string; payload: unknown }): void {
    const verdict = this.#cursor.take(frame.seq);
    if (verdict === 'repeat') return;
    if (verdict === 'after a gap') this.#tellGap();
    if (this.#cursor.unacked >= ACK_AFTER_EVENTS) this.#sendAck();
    else this.#ackLater();
    this.events.emit(frame.type, frame.payload);
  }

  async #requestOnce(contract: Contract, dto: unknown, options: RequestOptions): Promise<unknown> {
    const { key, signal, deadlineMs = contract.deadlineMs } = options;
    const id = String(++this.#counter);
    const text = JSON.stringify({ id, type: contract.ws ?? contract.name, payload: dto, key, deadlineMs });
    // the gateway would close the connection, and with it every other request
    if (new TextEncoder().encode(text).length > MAX_FRAME_BYTES) throw tooLarge();
    const link = this.#link;
    if (link === undefined) throw notConnected(!this.#stop.signal.aborted);
    const reply = this.#pending.wait(id, deadlineMs + REPLY_MARGIN_MS, signal);
    if (!link.sendText(text)) this.#pending.fail(id, notConnected(true));
    return reply;
  }

  #ackLater(): void {
    this.#ackTimer ??= setTimeout(() => this.#sendAck(), ACK_AFTER_MS);
  }

  #sendAck(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    if (this.#link === undefined || this.#cursor.unacked === 0) return;
    this.#link.send({ ack: this.#cursor.lastSeq });
    this.#cursor.acked(this.#cursor.lastSeq);
  }

  /** Only a link that was welcomed is lost; the failure of another is its `#connect`'s. */
  #lost(link: SocketLink, { code, reason }: LinkEnd): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#pending.failAll();
    const text = `${code} ${reason}`.trim();
    if (this.#stop.signal.aborted) return;
    if (FINAL_CODES.has(code)) return this.#finish(text, code);
    if (performance.now() - this.#openedAt > STABLE_AFTER_MS) this.#tries = 0;
    if (SLOW_DOWN_CODES.has(code)) this.#comeBackMs = Math.max(SLOW_DOWN_MS, this.#comeBackMs ?? 0);
    this.#tellState('lost', text, code);
    void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await sleep(this.#nextWaitMs(), signal);
        await this.#connect();
        return;
      } catch (error) {
        if (isFinal(error)) return this.#finish(error instanceof Error ? error.message : 'failed');
        if (error instanceof WarrenError && error.retryAfterSeconds !== undefined)
          this.#comeBackMs = error.retryAfterSeconds * 1_000;
      }
    }
  }

  #nextWaitMs(): number {
    const asked = this.#comeBackMs ?? 0;
    this.#comeBackMs = undefined;
    return Math.min(MAX_WAIT_MS, Math.max(asked, backoffMs(this.#tries++, RECONNECT_MAX_MS)));
  }

  #finish(reason: string, code?: number): void {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#link?.end(LINK_CODES.closed, '');
    this.#link = undefined;
    clearTimeout(this.#ackTimer);
    this.#pending.failAll();
    this.#tellState('closed', reason, code);
  }

  #tellState(state: SessionState, reason: string, code?: number): void {
    this.#guard(() => this.#options.onState?.(state, reason, code));
  }

  #tellGap(): void {
    this.#guard(() => this.#options.onGap?.());
  }

  /** An event that cannot be understood is as lost as one that never came. */
  #onFault(kind: 'listener' | 'payload', error: unknown): void {
    if (kind === 'payload') this.#tellGap();
    if (kind === 'listener' || this.#options.onFault !== undefined) this.#report(error);
  }

  #guard(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    const { onFault } = this.#options;
    if (onFault !== undefined) onFault(error);
    // outside of this stack, so that the connection's own state stays whole
    else
      queueMicrotask(() => {
        throw error;
      });
  }
}
