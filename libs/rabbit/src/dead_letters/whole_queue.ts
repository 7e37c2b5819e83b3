import type { ConsumeMessage } from 'amqplib';
import type { BrokerChannel } from '../broker_port.ts';
import { channelError, raise } from '../rabbit_errors.ts';

export interface WholeQueueOptions {
  readonly channel: BrokerChannel;
  readonly queue: string;
  /** Messages that the queue holds. Those that come in later are held as well, and not shown. */
  readonly expected: number;
  /** Called once for each of the expected messages, in their order. */
  readonly onMessage: (message: ConsumeMessage) => void;
}

/** What a broker lets one consumer hold: AMQP's prefetch is a number of 16 bits. */
const MAX_HELD_BY_CONSUMER = 65_535;
/** Together they hold more than any dead letter queue may. With more than 32 the broker forgets their order. */
const MAX_CONSUMERS = 16;
/** The broker had as many messages as expected: without one for this long, somebody else has them. */
const IDLE_MS = 5_000;

/**
 * Takes every message of a queue into our hands, on a channel of its own. What is not acked goes back when the channel is
 * closed: then, and only then, a quorum queue has it in the old order. What a reader gives back while other messages are
 * still in the queue comes behind those, and nack mixes the order up (measured on RabbitMQ 3.10, which gives back what a
 * closed channel held by consumer tag, then by delivery).
 */
export class WholeQueue {
  readonly #options: WholeQueueOptions;
  readonly #loaded = Promise.withResolvers<void>();
  #seen = 0;
  #heldByConsumer = 0;
  #failure: Error | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WholeQueueOptions) {
    this.#options = options;
    this.#loaded.promise.catch(() => undefined);
    options.channel.on('error', (cause) => this.#fail(cause));
    options.channel.once('close', () => this.#fail(raise('SERVICE_LINK_LOST')));
  }

  /** Resolves when everything is in our hands. @throws AppError when the channel or the connection is lost */
  async take(): Promise<void> {
    const { channel, queue, expected } = this.#options;
    try {
      await channel.prefetch(MAX_HELD_BY_CONSUMER);
      this.#watchIdle();
      if (expected === 0) this.#loaded.resolve();
      await this.#consume(0);
      await this.#loaded.promise;
    } catch (cause) {
      throw channelError(this.#failure ?? cause, `queue ${queue}`);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** @throws AppError when the channel or the connection was lost: nothing is in our hands any more */
  check(): void {
    if (this.#failure !== undefined) throw channelError(this.#failure, `queue ${this.#options.queue}`);
  }

  /** The tags are in the order of the consumers: that is the order in which the broker gives back what they held. */
  async #consume(index: number): Promise<void> {
    const { channel, queue } = this.#options;
    const consumerTag = `letters-${String(index).padStart(2, '0')}`;
    this.#heldByConsumer = 0;
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) {
        this.#fail(raise('BROKER_TOPOLOGY_MISSING', { message: `Queue ${queue} was deleted.` }));
        return;
      }
      this.#arrived(message);
      if (++this.#heldByConsumer === MAX_HELD_BY_CONSUMER && index + 1 < MAX_CONSUMERS)
        this.#follow(consumerTag, index + 1);
    };
    await channel.consume(queue, onMessage, { consumerTag });
  }

  /** A consumer whose hands are full gets no more, also not when something is removed from them. */
  #follow(fullTag: string, next: number): void {
    this.#options.channel
      .cancel(fullTag)
      .then(() => this.#consume(next))
      .catch((cause: unknown) => this.#fail(cause instanceof Error ? cause : new Error(String(cause))));
  }

  #arrived(message: ConsumeMessage): void {
    if (this.#seen >= this.#options.expected) return;
    this.#seen++;
    this.#watchIdle();
    this.#options.onMessage(message);
    if (this.#seen >= this.#options.expected) this.#loaded.resolve();
  }

  #watchIdle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#loaded.resolve(), IDLE_MS);
  }

  #fail(cause: Error): void {
    this.#failure ??= cause;
    this.#loaded.reject(this.#failure);
  }
}
