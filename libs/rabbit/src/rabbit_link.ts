import { type AppError, backoffMs, type Clock, type Logger, type Rng, systemClock, systemRng } from '@warren/kernel';
import type { Metrics } from '@warren/telemetry';
import { userNameOf } from './broker_identity.ts';
import type { Connect } from './broker_port.ts';
import { type OpenConnection, openConnection } from './link_connection.ts';
import { LinkSession } from './link_session.ts';
import { raise, refusalMessage, refusalOf } from './rabbit_errors.ts';

/** Both links of a process together try a little more than once a second while the broker is away. */
const BACKOFF = { baseMs: 50, maxMs: 2_000 };
const SETUP_BACKOFF = { baseMs: 50, maxMs: 2_000 };
/** Refused logins in a row after which the broker's word is final. A booting broker may refuse a vhost for a moment. */
const MAX_REFUSALS = 3;
const DEFAULT_HEARTBEAT_SECONDS = 5;

export type LinkRole = 'publish' | 'consume';

export interface LinkState {
  readonly up: boolean;
  /** Number of connections so far. */
  readonly epoch: number;
  /** The broker takes no messages (memory or disk alarm). */
  readonly blocked: boolean;
  /** Why the link is down, or was last. */
  readonly lastError?: AppError;
  /** Credentials, vhost or rights are wrong: waiting will not help. Before the first connection the link has given up. */
  readonly fatal: boolean;
}

export interface RabbitLinkDeps {
  readonly url: string;
  readonly role: LinkRole;
  /** Shown by the tools of the broker: `warren.gateway.publish.a1b2`. */
  readonly name: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  readonly rng?: Rng;
  readonly heartbeatSeconds?: number;
  /** amqplib's own unless said: the in-memory twin gives another one. */
  readonly connect?: Connect;
}

type Setup = (session: LinkSession) => Promise<void>;
type StateListener = (state: LinkState) => void;

/**
 * One supervised connection to the broker. It reconnects for ever with jittered backoff, except where the broker refuses
 * the login before there ever was a connection. A process has two, so that a blocked publisher cannot stop acks.
 */
export class RabbitLink {
  readonly role: LinkRole;
  /** The broker user of the URL. */
  readonly user: string;
  readonly #deps: RabbitLinkDeps;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #setups = new Set<Setup>();
  readonly #listeners = new Set<StateListener>();
  readonly #stopping = new AbortController();
  #state: LinkState = { up: false, epoch: 0, blocked: false, fatal: false };
  #connection: OpenConnection | undefined;
  #session: LinkSession | undefined;
  #loop: Promise<void> | undefined;
  #refusals = 0;

  constructor(deps: RabbitLinkDeps) {
    this.#deps = deps;
    this.role = deps.role;
    this.user = userNameOf(deps.url);
    this.#logger = deps.logger.child({ link: deps.role });
    this.#clock = deps.clock ?? systemClock;
    this.#rng = deps.rng ?? systemRng;
  }

  get state(): LinkState {
    return this.#state;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /**
   * Resolves when the link is up.
   * @throws AppError BROKER_ACCESS_REFUSED at once when the broker refuses user, password or vhost; SERVICE_UNAVAILABLE
   * after `timeoutMs`
   */
  ready(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (state: LinkState): void => {
        if (state.up) finish(resolve);
        else if (state.fatal) finish(() => reject(state.lastError));
      };
      const timer = setTimeout(() => {
        const cause = this.#state.lastError;
        finish(() =>
          reject(
            raise('SERVICE_UNAVAILABLE', { message: `The broker was not reached within ${timeoutMs} ms.`, cause }),
          ),
        );
      }, timeoutMs);
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        stopListening();
        settle();
      };
      const stopListening = this.onState(check);
      check(this.#state);
    });
  }

  /** Called on every change of `state`. Returns the function that ends it. */
  onState(listener: StateListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Runs `setup` on the current and every later connection. A setup that fails while its connection lives is repeated
   * with backoff. Returns the function that ends it.
   */
  use(setup: Setup): () => void {
    this.#setups.add(setup);
    if (this.#session !== undefined) void this.#runSetup(setup, this.#session);
    return () => this.#setups.delete(setup);
  }

  /** Closes the connection: politely for at most a second, then by destroying the socket. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#connection?.close();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const signal = this.#stopping.signal;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const epoch = this.#state.epoch;
      await this.#connectOnce();
      if (this.#state.epoch > epoch) attempt = 1;
      if (signal.aborted || (this.#state.fatal && this.#state.epoch === 0)) return;
      await this.#clock.sleep(backoffMs(attempt, BACKOFF, this.#rng), signal);
    }
  }

  /** Lives as long as the connection. Never rejects. */
  async #connectOnce(): Promise<void> {
    const { url, name, heartbeatSeconds = DEFAULT_HEARTBEAT_SECONDS, connect } = this.#deps;
    try {
      this.#connection = await openConnection({
        url,
        name,
        heartbeatSeconds,
        signal: this.#stopping.signal,
        ...(connect === undefined ? {} : { connect }),
      });
    } catch (cause) {
      this.#failed(cause);
      return;
    }
    await this.#live(this.#connection);
  }

  async #live(connection: OpenConnection): Promise<void> {
    const epoch = this.#state.epoch + 1;
    const { model, frames } = connection;
    const session = new LinkSession({ model, frames, epoch, kill: (reason) => connection.kill(reason) });
    connection.onClosed((cause) => session.ended(cause));
    connection.onBlocked((blocked) => this.#update({ blocked }));
    if (session.alive) {
      // a setup that is added while the link comes up runs by itself, and must not run here again
      const setups = [...this.#setups];
      this.#session = session;
      this.#refusals = 0;
      this.#update({ up: true, epoch, blocked: connection.blocked, fatal: false });
      this.#logger.info({ epoch }, 'connected to the broker');
      for (const setup of setups) void this.#runSetup(setup, session);
    }
    await session.closed;
    this.#session = undefined;
    this.#connection = undefined;
    this.#down(connection.cause);
  }

  async #runSetup(setup: Setup, session: LinkSession): Promise<void> {
    for (let attempt = 1; session.alive && this.#setups.has(setup); attempt++) {
      try {
        await setup(session);
        return;
      } catch (cause) {
        if (!session.alive) return;
        this.#logger.warn({ err: cause, attempt }, 'setting up the connection failed');
        await session.pause(backoffMs(attempt, SETUP_BACKOFF, this.#rng), this.#clock, this.#stopping.signal);
      }
    }
  }

  #failed(cause: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const refusal = refusalOf(cause);
    this.#refusals = refusal === undefined ? 0 : this.#refusals + 1;
    const atBoot = this.#state.epoch === 0;
    const fatal = this.#refusals >= MAX_REFUSALS || (atBoot && refusal === 'credentials');
    const lastError =
      refusal === undefined
        ? raise('SERVICE_UNAVAILABLE', { message: `The broker cannot be reached: ${messageOf(cause)}`, cause })
        : raise('BROKER_ACCESS_REFUSED', { message: refusalMessage(refusal, this.user), cause });
    this.#logger.warn({ err: cause, fatal }, 'no connection to the broker');
    this.#update({ up: false, lastError, fatal });
  }

  #down(cause: Error | undefined): void {
    const stopped = this.#stopping.signal.aborted;
    if (!stopped) this.#logger.warn({ err: cause }, 'the connection to the broker was lost');
    this.#update({
      up: false,
      blocked: false,
      lastError: raise('SERVICE_LINK_LOST', cause === undefined ? {} : { cause }),
    });
  }

  #update(change: Partial<LinkState>): void {
    this.#state = { ...this.#state, ...change };
    const role = { role: this.role };
    this.#deps.metrics
      .gauge('warren_rabbit_link_up', 'Whether the connection is open.', ['role'])
      .set(role, this.#state.up ? 1 : 0);
    this.#deps.metrics
      .gauge('warren_rabbit_link_epoch', 'Connections made so far; all but the first are reconnects.', ['role'])
      .set(role, this.#state.epoch);
    for (const listener of this.#listeners) listener(this.#state);
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
