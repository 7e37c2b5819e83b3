import { AppError, backoffMs, type Clock, type Logger, type Rng, systemClock, systemRng } from '@warren/kernel';
import pg from 'pg';
import { toDatabaseError } from './database_error.ts';

/** A half-open connection brings no notification and no error: only a question shows it. */
const HEARTBEAT_MS = 5_000;
const BACKOFF = { baseMs: 100, maxMs: 5_000 };
const MAX_CHANNELS = 32;
const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;

type Listener = (payload: string) => void;

export interface NotificationLinkDeps {
  readonly config: pg.ClientConfig;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly rng?: Rng;
  readonly heartbeatMs?: number;
}

/** The one connection that waits for notifications. It opens with the first channel and comes back after every loss. */
export class NotificationLink {
  readonly #config: pg.ClientConfig;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #heartbeatMs: number;
  readonly #channels = new Map<string, Set<Listener>>();
  readonly #closed = new AbortController();
  #client: pg.Client | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;
  readonly #firstTry: PromiseWithResolvers<void> = Promise.withResolvers<void>();

  constructor(deps: NotificationLinkDeps) {
    this.#config = deps.config;
    this.#logger = deps.logger;
    this.#clock = deps.clock ?? systemClock;
    this.#rng = deps.rng ?? systemRng;
    this.#heartbeatMs = deps.heartbeatMs ?? HEARTBEAT_MS;
  }

  async listen(channel: string, onNotify: Listener): Promise<() => Promise<void>> {
    this.#checkChannel(channel);
    const listeners = this.#channels.get(channel) ?? new Set();
    const isNew = listeners.size === 0;
    // An own function per call, so that the same callback may be given twice.
    const listener: Listener = (payload) => onNotify(payload);
    listeners.add(listener);
    this.#channels.set(channel, listeners);
    if (this.#running === undefined) this.#running = this.#run();
    else if (isNew) await this.#command(`listen ${channel}`);
    await this.#firstTry.promise;
    return () => this.#unlisten(channel, listener);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#drop();
    await this.#running;
  }

  #checkChannel(channel: string): void {
    if (!CHANNEL.test(channel))
      throw new TypeError(`"${channel}" cannot name a channel: use a-z, 0-9 and _, at most 63`);
    if (!this.#channels.has(channel) && this.#channels.size >= MAX_CHANNELS)
      throw new RangeError(`more than ${MAX_CHANNELS} channels`);
    if (this.#closed.signal.aborted) {
      throw new AppError('SERVICE_UNAVAILABLE', 'The database connection is closed.', {
        kind: 'unavailable',
        retryable: true,
      });
    }
  }

  async #unlisten(channel: string, listener: Listener): Promise<void> {
    const listeners = this.#channels.get(channel);
    listeners?.delete(listener);
    if (listeners === undefined || listeners.size > 0) return;
    this.#channels.delete(channel);
    await this.#command(`unlisten ${channel}`);
  }

  /** A failure here is a lost connection, after which the loop subscribes to everything again. */
  async #command(text: string): Promise<void> {
    try {
      if (this.#client !== undefined) await this.#ask(this.#client, text);
    } catch (error) {
      this.#logger.debug({ err: error }, 'the notification connection failed');
      this.#drop();
    }
  }

  /** One statement at a time: the driver will no longer queue them. */
  #ask(client: pg.Client, text: string): Promise<unknown> {
    const asked = this.#turn.then(() => client.query(text));
    this.#turn = asked.catch(() => undefined);
    return asked;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    let attempt = 0;
    let isFirst = true;
    while (!signal.aborted) {
      try {
        await this.#session(isFirst, () => {
          attempt = 0;
          isFirst = false;
        });
      } catch (error) {
        if (!signal.aborted) this.#logger.warn({ err: toDatabaseError(error) }, 'notifications are interrupted');
      }
      this.#firstTry.resolve();
      this.#drop();
      attempt += 1;
      await this.#clock.sleep(backoffMs(attempt, BACKOFF, this.#rng), signal);
    }
  }

  async #session(isFirst: boolean, onSubscribed: () => void): Promise<void> {
    const client = new pg.Client(this.#config);
    this.#client = client;
    const lost = new AbortController();
    client.on('error', () => lost.abort());
    client.once('end', () => lost.abort());
    client.on('notification', ({ channel, payload }) => this.#deliver(channel, payload ?? ''));
    await client.connect();
    for (const channel of this.#channels.keys()) await this.#ask(client, `listen ${channel}`);
    onSubscribed();
    this.#firstTry.resolve();
    if (!isFirst) for (const channel of this.#channels.keys()) this.#deliver(channel, '');
    const stopped = AbortSignal.any([lost.signal, this.#closed.signal]);
    while (!stopped.aborted) {
      await this.#clock.sleep(this.#heartbeatMs, stopped);
      if (!stopped.aborted) await this.#ask(client, 'select 1');
    }
  }

  #deliver(channel: string, payload: string): void {
    for (const listener of this.#channels.get(channel) ?? []) {
      try {
        listener(payload);
      } catch (error) {
        this.#logger.error({ err: error, channel }, 'a listener for notifications failed');
      }
    }
  }

  /** Cuts the socket: a farewell would wait for a server that may be gone. */
  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.connection.stream.destroy();
  }
}
