import { CLOSE_CODES, type Contract, type Recipient } from '@warren/contracts';
import type { ServerSocket, SocketListener } from '@warren/http';
import { type AppError, type Clock, type Logger, newId, startTrace, toAppError } from '@warren/kernel';
import type { GatewayCaller } from '../caller/gateway_caller.ts';
import { type Principal, recipientOf } from '../caller/principal.ts';
import type { EventRing, Owner } from '../push/event_ring.ts';
import { type ClientFrame, fault, readFrame } from './client_frames.ts';
import { EventPump } from './event_pump.ts';
import { RequestRunner } from './request_runner.ts';
import { controlFrame, errorFrame, type Frame, faultFrame } from './server_frames.ts';
import { TokenBucket } from './token_bucket.ts';
import type { WsTickets } from './ws_tickets.ts';

/** Frames that may arrive between the ticket and the welcome. */
const MAX_EARLY_FRAMES = 16;
/** Frames that are not understood, before the socket is closed. */
const MAX_FAULTS = 5;
/** After the welcome a client has this long to say `resume` before events flow; saves sending what it has already. */
const RESUME_GRACE_MS = 100;

/** Who may connect at an address, and what they may ask there by message type. */
export interface Door {
  readonly kind: Principal['kind'];
  readonly messages: ReadonlyMap<string, Contract>;
}

export interface SocketLimits {
  readonly messagesPerSecond: number;
  /** Bytes that may wait for one client. */
  readonly maxQueuedBytes: number;
  /** How long a client may not read, milliseconds. */
  readonly stallMs: number;
  readonly authDeadlineMs: number;
  readonly heartbeatMs: number;
}

/** What a connection tells the place where all of them are known. */
export interface ConnectionHost {
  readonly node: string;
  opened(connection: ClientConnection, previous: Owner | undefined): void;
  closed(connection: ClientConnection): void;
}

export interface ConnectionDeps {
  readonly socket: ServerSocket;
  readonly door: Door;
  readonly address: string;
  readonly limits: SocketLimits;
  readonly host: ConnectionHost;
  readonly caller: GatewayCaller;
  readonly ring: EventRing;
  readonly tickets: WsTickets;
  readonly clock: Clock;
  readonly logger: Logger;
}

type State =
  | { readonly kind: 'waiting'; readonly until: number }
  | { readonly kind: 'opening' }
  | {
      readonly kind: 'open';
      readonly principal: Principal;
      readonly recipient: Recipient;
      readonly session: string;
      readonly pump: EventPump;
    }
  | { readonly kind: 'closed' };

/** One client from its first frame to its last. */
export class ClientConnection implements SocketListener {
  readonly id = newId();
  readonly #deps: ConnectionDeps;
  readonly #bucket: TokenBucket;
  readonly #requests: RequestRunner;
  #state: State;
  #early: ClientFrame[] = [];
  #faults = 0;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    const now = deps.clock.monotonicMs();
    this.#bucket = new TokenBucket(deps.limits.messagesPerSecond, now);
    this.#state = { kind: 'waiting', until: now + deps.limits.authDeadlineMs };
    const { caller, address, logger, door } = deps;
    this.#requests = new RequestRunner({
      caller,
      address,
      logger,
      messages: door.messages,
      send: (frame) => this.#send(frame),
    });
  }

  get recipient(): Recipient | undefined {
    return this.#state.kind === 'open' ? this.#state.recipient : undefined;
  }

  message(data: Buffer, isBinary: boolean): void {
    if (!this.#deps.socket.open) return;
    if (!this.#bucket.take(this.#deps.clock.monotonicMs())) return this.close(CLOSE_CODES.rate, 'too many messages');
    if (isBinary) return this.close(CLOSE_CODES.invalid, 'text frames only');
    const frame = readFrame(data);
    if (this.#state.kind === 'waiting') this.#authenticate(frame);
    else if (this.#state.kind === 'open') this.#handle(frame);
    else if (this.#state.kind === 'opening' && this.#early.push(frame) > MAX_EARLY_FRAMES)
      this.close(CLOSE_CODES.rate, 'too many messages');
  }

  ping(): void {
    if (!this.#bucket.take(this.#deps.clock.monotonicMs())) this.close(CLOSE_CODES.rate, 'too many pings');
  }

  closed(): void {
    const state = this.#state;
    this.#state = { kind: 'closed' };
    this.#early = [];
    if (state.kind === 'open') {
      state.pump.stop();
      this.#leave(state.recipient);
    }
    this.#deps.host.closed(this);
  }

  close(code: number, reason: string): void {
    if (code === CLOSE_CODES.slow) this.#deps.socket.closeSlow(code, reason);
    else this.#deps.socket.close(code, reason);
    if (this.#state.kind === 'open') this.#state.pump.stop();
  }

  /** Starts the session of a principal that is verified already: by the ticket, or by the header of the upgrade. */
  async begin(principal: Principal): Promise<void> {
    const { door, clock, ring, host, limits } = this.#deps;
    if (principal.kind !== door.kind) return this.close(CLOSE_CODES.forbidden, 'not for you');
    if (principal.expiresAt <= clock.now()) return this.close(CLOSE_CODES.expired, 'expired');
    this.#state = { kind: 'opening' };
    const recipient = recipientOf(principal);
    const opened = await ring.open(recipient, { connectionId: this.id, node: host.node });
    if (!this.#deps.socket.open) return this.#leave(recipient);
    const { socket, logger } = this.#deps;
    const onSlow = (): void => this.close(CLOSE_CODES.slow, 'too slow');
    const pump = new EventPump({ ring, recipient, opened, socket, stallMs: limits.stallMs, onSlow, clock, logger });
    this.#state = { kind: 'open', principal, recipient, session: opened.session, pump };
    host.opened(this, opened.previous);
    this.#send(
      controlFrame({ welcome: { session: opened.session, lastSeq: opened.acked, heartbeatMs: limits.heartbeatMs } }),
    );
    setTimeout(() => pump.release(), RESUME_GRACE_MS).unref();
    for (const frame of this.#early.splice(0)) this.#handle(frame);
  }

  /** As `begin`, for callers that cannot wait: what goes wrong ends the connection. */
  start(principal: Principal): void {
    this.begin(principal).catch((error: unknown) => this.#fail(toAppError(error)));
  }

  /** There is news in the ring. */
  wake(): void {
    if (this.#state.kind === 'open') this.#state.pump.wake();
  }

  /** Ends what time has ended: the wait for a ticket, the life of the token. */
  checkTime(): void {
    const { clock } = this.#deps;
    if (this.#state.kind === 'waiting' && clock.monotonicMs() >= this.#state.until)
      this.close(CLOSE_CODES.expired, 'no ticket in time');
    if (this.#state.kind === 'open' && clock.now() >= this.#state.principal.expiresAt)
      this.close(CLOSE_CODES.expired, 'expired');
  }

  /** Renews ownership and looks for events whose hint was lost. */
  async keep(): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'open') return;
    const { ring, host } = this.#deps;
    const known = { session: state.session, lastSeq: state.pump.lastSent };
    const kept = await ring.keep(state.recipient, { connectionId: this.id, node: host.node }, known);
    if (kept.kind === 'replaced') this.close(CLOSE_CODES.replaced, 'replaced');
    else if (kept.kind === 'lost') this.close(CLOSE_CODES.restart, 'begin anew');
    else state.pump.wake(kept.lastSeq);
  }

  /** Says when to come back, and takes no further requests. Resolves when those under way are answered. */
  async sayGoodbye(reconnectAfterMs: number): Promise<void> {
    this.#send(controlFrame({ goodbye: { reconnectAfterMs } }));
    await this.#requests.drain();
  }

  #authenticate(frame: ClientFrame): void {
    if (frame.kind !== 'auth') return this.close(CLOSE_CODES.expired, 'send a ticket first');
    this.#state = { kind: 'opening' };
    this.#deps.tickets
      .redeem(frame.ticket)
      .then((principal) =>
        principal === undefined ? this.close(CLOSE_CODES.expired, 'ticket refused') : this.begin(principal),
      )
      .catch((error: unknown) => this.#fail(toAppError(error)));
  }

  #handle(frame: ClientFrame): void {
    if (this.#state.kind !== 'open') return;
    const { pump, principal, session, recipient } = this.#state;
    if (frame.kind === 'resume') {
      pump.resume(frame.session, frame.lastSeq).catch((error: unknown) => this.#fail(toAppError(error)));
      return;
    }
    pump.release();
    if (frame.kind === 'request') this.#requests.start(frame.request, principal);
    else if (frame.kind === 'ack') this.#ack(recipient, session, Math.min(frame.seq, pump.lastSent));
    else this.#refuse(frame.kind === 'fault' ? frame : fault('This socket is authenticated already.'));
  }

  #ack(recipient: Recipient, session: string, seq: number): void {
    const { ring, logger } = this.#deps;
    ring
      .ack(recipient, session, seq)
      .catch((error: unknown) => logger.debug({ err: error }, 'an acknowledgement was not stored'));
  }

  #refuse({ id, error }: ClientFrame & { readonly kind: 'fault' }): void {
    const { traceId } = startTrace();
    this.#send(id === undefined ? faultFrame(error, traceId) : errorFrame(id, error, traceId));
    if (++this.#faults >= MAX_FAULTS) this.close(CLOSE_CODES.invalid, 'too many frames that cannot be read');
  }

  #fail(error: AppError): void {
    if (error.kind === 'internal') this.#deps.logger.error({ err: error.cause }, 'a socket failed');
    this.#send(faultFrame(error, startTrace().traceId));
    this.close(CLOSE_CODES.restart, 'try again');
  }

  #leave(recipient: Recipient): void {
    this.#deps.ring
      .leave(recipient, this.id)
      .catch((error: unknown) => this.#deps.logger.debug({ err: error }, 'presence runs out by itself'));
  }

  #send(frame: Frame): void {
    const { socket, limits } = this.#deps;
    socket.send(frame);
    if (socket.queuedBytes > limits.maxQueuedBytes) this.close(CLOSE_CODES.slow, 'too slow');
  }
}
