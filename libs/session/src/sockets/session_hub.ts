import { CLOSE_CODES, type Recipient } from '@warren/contracts';
import { type CallerInfo, commonError, type ServerSocket } from '@warren/http';
import { type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';
import type { Gauge, Metrics } from '@warren/telemetry';
import type { Authenticator } from '../caller/authenticator.ts';
import type { GatewayCaller } from '../caller/gateway_caller.ts';
import type { Principal } from '../caller/principal.ts';
import { networkOf } from '../caller/rate_limits.ts';
import type { EventRing, Owner } from '../push/event_ring.ts';
import type { Hint, NodeQueue } from '../push/node_queue.ts';
import { ClientConnection, type ConnectionHost, type Door, type SocketLimits } from './client_connection.ts';
import type { WsTickets } from './ws_tickets.ts';

const TICK_MS = 1_000;
/** Each connection renews its presence and looks into its ring once in this many ticks. */
const KEEP_TICKS = 5;
/** Requests under way at shutdown get this long. */
const DRAIN_MS = 3_000;
const GOODBYE_MIN_MS = 500;
const GOODBYE_SPREAD_MS = 4_500;
/** Share of the sockets without ticket that one network may hold. */
const NETWORK_SHARE = 0.5;

export interface HubLimits extends SocketLimits {
  /** Sockets that have not shown a ticket yet. */
  readonly maxUnauthenticated: number;
}

export interface SessionHubDeps {
  readonly authenticator: Authenticator;
  readonly caller: GatewayCaller;
  readonly ring: EventRing;
  readonly tickets: WsTickets;
  readonly limits: HubLimits;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What admission found out about an upgrade. */
export interface AdmittedSocket {
  readonly address: string;
  readonly principal?: Principal;
}

interface Entry {
  readonly network: string;
  /** The tick of each round in which it renews. */
  readonly slot: number;
  /** Once it is authenticated. */
  recipient?: Recipient;
}

/** All sockets of this gateway: lets them in, finds them by recipient, keeps them alive, and sends them away at the end. */
export class SessionHub implements ConnectionHost {
  readonly #deps: SessionHubDeps;
  readonly #all = new Map<ClientConnection, Entry>();
  readonly #byRecipient = new Map<Recipient, ClientConnection>();
  readonly #sockets: Gauge;
  readonly #waitingByNetwork = new Map<string, number>();
  #waiting = 0;
  #nodes: NodeQueue | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tick = 0;
  #accepted = 0;
  #closing = false;

  constructor(deps: SessionHubDeps) {
    this.#deps = deps;
    this.#sockets = deps.metrics.gauge('gateway_sockets', 'Sockets by state.', ['state']);
  }

  /** Starts the clock of all sockets. `nodes` is where this gateway hears hints. */
  start(nodes: NodeQueue): void {
    this.#nodes = nodes;
    this.#timer = setInterval(() => this.#onTick(), TICK_MS);
    this.#timer.unref();
  }

  get node(): string {
    return this.#nodes?.name ?? '';
  }

  get size(): number {
    return this.#all.size;
  }

  /** @throws AppError ACCESS_UNAUTHENTICATED for a bad token, SERVICE_OVERLOADED, SERVICE_UNAVAILABLE while closing */
  async admit(info: CallerInfo): Promise<AdmittedSocket> {
    if (this.#closing) throw commonError('SERVICE_UNAVAILABLE');
    const { address, bearer } = info;
    if (bearer !== undefined) return { address, principal: await this.#deps.authenticator.authenticate(bearer) };
    const { maxUnauthenticated } = this.#deps.limits;
    const ofNetwork = this.#waitingByNetwork.get(networkOf(address)) ?? 0;
    if (this.#waiting >= maxUnauthenticated || ofNetwork >= maxUnauthenticated * NETWORK_SHARE)
      throw commonError('SERVICE_OVERLOADED');
    return { address };
  }

  accept(socket: ServerSocket, door: Door, admitted: AdmittedSocket): void {
    const { address, principal } = admitted;
    const connection = new ClientConnection({ ...this.#deps, socket, door, address, host: this });
    socket.listen(connection);
    const network = networkOf(address);
    this.#all.set(connection, { network, slot: this.#accepted++ % KEEP_TICKS });
    this.#countWaiting(network, 1);
    if (principal !== undefined) connection.start(principal);
  }

  opened(connection: ClientConnection, previous: Owner | undefined): void {
    const { recipient } = connection;
    const entry = this.#all.get(connection);
    if (recipient === undefined || entry === undefined) return;
    this.#countWaiting(entry.network, -1);
    entry.recipient = recipient;
    const older = this.#byRecipient.get(recipient);
    this.#byRecipient.set(recipient, connection);
    if (older !== undefined) older.close(CLOSE_CODES.replaced, 'replaced');
    else if (previous !== undefined) this.#nodes?.tell(previous, 'replaced', recipient);
  }

  closed(connection: ClientConnection): void {
    const entry = this.#all.get(connection);
    if (entry === undefined) return;
    this.#all.delete(connection);
    if (entry.recipient === undefined) this.#countWaiting(entry.network, -1);
    else if (this.#byRecipient.get(entry.recipient) === connection) this.#byRecipient.delete(entry.recipient);
  }

  /** Another gateway, or the push queue, says something about a recipient. */
  onHint(hint: Hint): void {
    const connection = this.#byRecipient.get(hint.recipient);
    if (connection === undefined) return;
    if (hint.kind === 'grown') connection.wake();
    else if (connection.id === hint.connection_id) connection.close(CLOSE_CODES.replaced, 'replaced');
  }

  /** Answers what is under way, tells every client when to come back, and closes. */
  async shutdown(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    const { rng, clock } = this.#deps;
    const connections = [...this.#all.keys()];
    const drained = Promise.all(
      connections.map((each) => each.sayGoodbye(GOODBYE_MIN_MS + Math.round(rng.next() * GOODBYE_SPREAD_MS))),
    );
    await Promise.race([drained, clock.sleep(DRAIN_MS)]);
    for (const connection of connections) connection.close(CLOSE_CODES.restart, 'restart');
  }

  #onTick(): void {
    this.#tick = (this.#tick + 1) % KEEP_TICKS;
    const due: Promise<void>[] = [];
    for (const [connection, { slot }] of this.#all) {
      connection.checkTime();
      if (slot === this.#tick) due.push(connection.keep());
    }
    void this.#reportFailures(due);
    this.#sockets.set({ state: 'waiting' }, this.#waiting);
    this.#sockets.set({ state: 'open' }, this.#byRecipient.size);
  }

  /** One line per tick: without Redis every socket fails to renew. */
  async #reportFailures(due: readonly Promise<void>[]): Promise<void> {
    const failures = (await Promise.allSettled(due)).filter((result) => result.status === 'rejected');
    const [first] = failures;
    if (first !== undefined) {
      this.#deps.logger.warn({ err: toAppError(first.reason), sockets: failures.length }, 'presence was not renewed');
    }
  }

  #countWaiting(network: string, by: 1 | -1): void {
    this.#waiting += by;
    const count = (this.#waitingByNetwork.get(network) ?? 0) + by;
    if (count > 0) this.#waitingByNetwork.set(network, count);
    else this.#waitingByNetwork.delete(network);
  }
}
