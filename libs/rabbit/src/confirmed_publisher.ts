import { type AppError, type Clock, type Logger, type Rng, systemClock } from '@warren/kernel';
import type { Metrics } from '@warren/telemetry';
import { IllegalOperationError, type Message } from 'amqplib';
import type { BrokerConfirmChannel } from './broker_port.ts';
import { ChannelSupervisor } from './channel_supervisor.ts';
import { Deadlines } from './deadlines.ts';
import { checkMessage, type OutgoingMessage, publishOptions } from './outgoing_message.ts';
import { PendingPublish } from './pending_publish.ts';
import type { RabbitLink } from './rabbit_link.ts';
import { type PublishOutcome, RabbitMetrics } from './rabbit_metrics.ts';

const DEFAULT_WINDOW = 256;
const DEFAULT_TIMEOUT_MS = 10_000;
/** Callers that may wait for a place in the window; further ones get `not_sent` at once. */
const MAX_WAITING = 10_000;
const DRAIN_POLL_MS = 10;

export interface ConfirmedPublisherDeps {
  readonly link: RabbitLink;
  /** Service prefix, sent as appId. */
  readonly prefix: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Messages without a confirm at most. */
  readonly window?: number;
  readonly clock?: Clock;
  readonly rng?: Rng;
}

/**
 * Publishes with broker confirms. At most `window` messages are under way; further callers wait in order, also while the
 * link is down or blocked, until their deadline. Nothing is ever sent twice by itself.
 */
export class ConfirmedPublisher {
  readonly #link: RabbitLink;
  readonly #prefix: string;
  readonly #window: number;
  readonly #clock: Clock;
  readonly #metrics: RabbitMetrics;
  readonly #supervisor: ChannelSupervisor<BrokerConfirmChannel>;
  readonly #waiting = new Set<PendingPublish>();
  readonly #inFlight = new Set<PendingPublish>();
  /** Messages that the broker returned and will confirm right after. */
  readonly #returned = new Map<string, number>();
  readonly #deadlines: Deadlines<PendingPublish>;
  readonly #onExpiry = (entry: PendingPublish): void => this.#expired(entry);
  readonly #stopListening: () => void;
  readonly #stopWatching: readonly (() => void)[];
  #bufferFull = false;
  #stopped = false;
  #lastConfirmAt: number | undefined;

  constructor(deps: ConfirmedPublisherDeps) {
    this.#link = deps.link;
    this.#prefix = deps.prefix;
    this.#window = deps.window ?? DEFAULT_WINDOW;
    this.#clock = deps.clock ?? systemClock;
    this.#metrics = new RabbitMetrics(deps.metrics);
    this.#deadlines = new Deadlines(() => this.#unsettled(), this.#clock);
    this.#supervisor = new ChannelSupervisor({
      ...deps,
      subject: 'confirmed publishing',
      open: (session) => session.openConfirmChannel(),
      onOpen: (channel) => this.#opened(channel),
      onLost: () => this.#lost(),
    });
    this.#stopListening = deps.link.onState((state) => {
      if (state.up && !state.blocked) this.#pump();
    });
    const watch = this.#metrics.watch.bind(this.#metrics);
    this.#stopWatching = [
      watch('warren_rabbit_publish_unconfirmed', 'Messages sent and not yet confirmed.', () => this.inFlight),
      watch('warren_rabbit_publish_waiting', 'Messages that wait for a place in the window.', () => this.waiting),
    ];
    this.#supervisor.start();
  }

  /** Messages sent and not yet confirmed. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Callers that wait for a place in the window. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Monotonic milliseconds of the last confirm: a sign of life of the broker's storage. */
  get lastConfirmAt(): number | undefined {
    return this.#lastConfirmAt;
  }

  /** Why there is no channel, such as an exchange that does not exist; undefined while all is well. */
  get lastError(): AppError | undefined {
    return this.#supervisor.lastError;
  }

  /**
   * Resolves with the outcome within `timeoutMs` (10 s unless said), give or take 50 ms.
   * @throws AppError MESSAGE_INVALID when the message does not fit AMQP
   */
  async publish(message: OutgoingMessage, options: { readonly timeoutMs?: number } = {}): Promise<PublishOutcome> {
    checkMessage(message);
    if (this.#stopped || this.#waiting.size >= MAX_WAITING) {
      this.#metrics.published.add('not_sent');
      return 'not_sent';
    }
    const deadline = this.#clock.monotonicMs() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const entry = new PendingPublish(message, deadline, this.#onExpiry);
    const outcome = entry.outcome();
    this.#waiting.add(entry);
    this.#deadlines.watch(deadline);
    this.#pump();
    return outcome;
  }

  /** Takes no more messages, waits for the confirms under way for at most `timeoutMs`, then settles the rest. */
  async stop(timeoutMs = 5_000): Promise<void> {
    this.#stopped = true;
    const end = this.#clock.monotonicMs() + timeoutMs;
    while (this.#waiting.size + this.#inFlight.size > 0 && this.#clock.monotonicMs() < end)
      await this.#clock.sleep(DRAIN_POLL_MS);
    for (const entry of this.#unsettled()) this.#settle(entry, entry.sent ? 'unknown' : 'not_sent');
    this.#waiting.clear();
    this.#stopListening();
    for (const stop of this.#stopWatching) stop();
    this.#deadlines.stop();
    await this.#supervisor.stop();
  }

  *#unsettled(): Iterable<PendingPublish> {
    yield* this.#waiting;
    for (const entry of this.#inFlight) if (!entry.settled) yield entry;
  }

  async #opened(channel: BrokerConfirmChannel): Promise<void> {
    channel.on('return', (message) => this.#wasReturned(message));
    channel.on('drain', () => {
      this.#bufferFull = false;
      this.#pump();
    });
    this.#bufferFull = false;
    // The supervisor shows the channel only after this function, and publishes wait for it.
    setImmediate(() => this.#pump());
  }

  /** A channel never confirms what was published on another one. */
  #lost(): void {
    for (const entry of this.#inFlight) this.#settle(entry, 'unknown');
    this.#inFlight.clear();
    this.#returned.clear();
    this.#bufferFull = false;
  }

  #pump(): void {
    const channel = this.#supervisor.channel;
    if (channel === undefined) return;
    for (const entry of this.#waiting) {
      if (this.#inFlight.size >= this.#window || this.#bufferFull || this.#link.state.blocked) return;
      if (!this.#send(channel, entry)) return;
      this.#waiting.delete(entry);
    }
  }

  /** False when the channel is closing: the message waits for the next one. */
  #send(channel: BrokerConfirmChannel, entry: PendingPublish): boolean {
    const { message } = entry;
    try {
      const options = publishOptions(message, this.#link.user, this.#prefix);
      const writable = channel.publish(message.exchange, message.key, message.body, options, (error) =>
        this.#confirmed(entry, error),
      );
      this.#bufferFull = !writable;
      entry.sent = true;
      this.#inFlight.add(entry);
    } catch (cause) {
      if (cause instanceof IllegalOperationError) return false;
      this.#settle(entry, 'not_sent');
    }
    return true;
  }

  #confirmed(entry: PendingPublish, error: unknown): void {
    this.#inFlight.delete(entry);
    this.#settle(entry, this.#outcomeOf(entry, error));
    if (this.#waiting.size > 0) this.#pump();
  }

  #outcomeOf(entry: PendingPublish, error: unknown): PublishOutcome {
    if (error instanceof Error) return error.message === 'message nacked' ? 'nacked' : 'unknown';
    this.#lastConfirmAt = this.#clock.monotonicMs();
    return this.#takeReturned(entry) ? 'returned' : 'confirmed';
  }

  #wasReturned(returned: Message): void {
    const id: unknown = returned.properties.messageId;
    const key = returnKey(String(id), returned.fields.exchange, returned.fields.routingKey);
    this.#returned.set(key, (this.#returned.get(key) ?? 0) + 1);
  }

  #takeReturned({ message }: PendingPublish): boolean {
    if (this.#returned.size === 0) return false;
    const key = returnKey(message.messageId, message.exchange, message.key);
    const count = this.#returned.get(key);
    if (count === undefined) return false;
    if (count > 1) this.#returned.set(key, count - 1);
    else this.#returned.delete(key);
    return true;
  }

  #settle(entry: PendingPublish, outcome: PublishOutcome): void {
    if (entry.settle(outcome)) this.#metrics.published.add(outcome);
  }

  /** An expired message keeps its place in the window until its confirm comes: otherwise a broker that confirms nothing would get everything. */
  #expired(entry: PendingPublish): void {
    this.#waiting.delete(entry);
    this.#settle(entry, entry.sent ? 'unknown' : 'not_sent');
    if (this.#inFlight.size < this.#window) return;
    for (const other of this.#inFlight) if (!other.settled) return;
    // Not one caller waits for this window any more, and none can follow: only a new channel frees it.
    void this.#supervisor.recycle();
  }
}

const returnKey = (messageId: string, exchange: string, key: string): string => `${messageId}\n${exchange}\n${key}`;
