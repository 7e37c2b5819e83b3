import { type AppError, backoffMs, type Clock, type Logger, type Rng, systemClock, systemRng } from '@warren/kernel';
import type { BrokerChannel } from './broker_port.ts';
import type { LinkSession } from './link_session.ts';
import { channelError } from './rabbit_errors.ts';
import type { RabbitLink } from './rabbit_link.ts';

const BACKOFF = { baseMs: 20, maxMs: 2_000 };
/** A channel that lived this long was sound: the next one is opened without delay. */
const SOUND_AFTER_MS = 5_000;
const CLOSE_TIMEOUT_MS = 1_000;

export interface ChannelSupervisorDeps<C extends BrokerChannel> {
  readonly link: RabbitLink;
  /** What the channel is for, in errors and logs: `queue auth.rpc`. */
  readonly subject: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly rng?: Rng;
  readonly open: (session: LinkSession) => Promise<C>;
  /** Makes a new channel useful. When it throws, the channel is closed and another one tried. */
  readonly onOpen: (channel: C) => Promise<void>;
  /** We are about to close the channel: what still has to be sent on it has to be sent now. */
  readonly beforeClose?: () => void;
  /** The channel of the last `onOpen` is gone, with everything that was under way on it. */
  readonly onLost: (cause: AppError) => void;
}

/** Keeps one channel open on a link: opens it on every connection, and again when the broker closes it alone. */
export class ChannelSupervisor<C extends BrokerChannel> {
  readonly #deps: ChannelSupervisorDeps<C>;
  readonly #clock: Clock;
  readonly #rng: Rng;
  readonly #stopping = new AbortController();
  #release: (() => void) | undefined;
  #channel: C | undefined;
  #lastError: AppError | undefined;

  constructor(deps: ChannelSupervisorDeps<C>) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.#rng = deps.rng ?? systemRng;
  }

  /** The channel, once `onOpen` has succeeded; undefined while there is none. */
  get channel(): C | undefined {
    return this.#channel;
  }

  /** Why the last channel could not be opened or was lost; undefined after a success. */
  get lastError(): AppError | undefined {
    return this.#lastError;
  }

  start(): void {
    this.#release ??= this.#deps.link.use((session) => this.#serve(session));
  }

  /** Closes the channel; a new one follows unless the supervisor was stopped. Waits at most a second. */
  async recycle(): Promise<void> {
    const channel = this.#channel;
    if (channel !== undefined) await this.discard(channel);
  }

  /** As `recycle`, for one channel: also while it is being set up. */
  async discard(channel: C): Promise<void> {
    this.#deps.beforeClose?.();
    await closeChannel(channel);
  }

  /** From now on no channel follows the one that is open. */
  retire(): void {
    this.#stopping.abort();
    this.#release?.();
  }

  async stop(): Promise<void> {
    this.retire();
    await this.recycle();
  }

  async #serve(session: LinkSession): Promise<void> {
    const signal = this.#stopping.signal;
    for (let attempt = 1; session.alive && !signal.aborted; attempt++) {
      const openedAt = this.#clock.monotonicMs();
      await this.#once(session);
      if (this.#clock.monotonicMs() - openedAt > SOUND_AFTER_MS) attempt = 1;
      if (!session.alive || signal.aborted) return;
      this.#deps.logger.warn({ err: this.#lastError, attempt }, `the channel for ${this.#deps.subject} was lost`);
      await session.pause(backoffMs(attempt, BACKOFF, this.#rng), this.#clock, signal);
    }
  }

  /** One channel from open to close. Never rejects. */
  async #once(session: LinkSession): Promise<void> {
    let reason: unknown;
    let channel: C | undefined;
    let unfinished: C | undefined;
    try {
      channel = await this.#deps.open(session);
      const life = this.#lifeOf(channel);
      channel.on('error', (error) => {
        reason ??= error;
      });
      await session.within(this.#deps.onOpen(channel), `the set-up of ${this.#deps.subject}`);
      await this.#live(channel, life);
    } catch (cause) {
      // The broker's own words come by the `error` event; the call that was under way may only say "channel ended".
      reason ??= cause;
      unfinished = channel;
    }
    this.#lastError = channelError(reason, this.#deps.subject);
    this.#deps.onLost(this.#lastError);
    // last: before the broker answers there may be another connection, with a channel that has not been lost
    if (unfinished !== undefined && session.alive) await this.discard(unfinished);
  }

  async #live(channel: C, life: ChannelLife): Promise<void> {
    // it may have ended with the last answer of its set-up
    if (life.isOver) return;
    this.#channel = channel;
    this.#lastError = undefined;
    if (this.#stopping.signal.aborted) await this.discard(channel);
    await life.closed;
  }

  /** From the close on nobody sees the channel any more. */
  #lifeOf(channel: C): ChannelLife {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    const life: ChannelLife = { isOver: false, closed };
    channel.once('close', () => {
      life.isOver = true;
      if (this.#channel === channel) this.#channel = undefined;
      resolve();
    });
    return life;
  }
}

interface ChannelLife {
  isOver: boolean;
  readonly closed: Promise<void>;
}

/** Never rejects: a channel that is closed already has what we want. */
async function closeChannel(channel: BrokerChannel): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
  });
  try {
    await Promise.race([channel.close(), late]);
  } catch {
    // closed by the broker or with its connection
  } finally {
    clearTimeout(timer);
  }
}
