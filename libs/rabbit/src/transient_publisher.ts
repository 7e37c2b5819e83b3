import type { AppError, Logger } from '@warren/kernel';
import type { Message, Options } from 'amqplib';
import type { BrokerChannel } from './broker_port.ts';
import { ChannelSupervisor } from './channel_supervisor.ts';
import type { RabbitLink } from './rabbit_link.ts';

/**
 * Messages handed to amqplib while its buffer is full. They leave with the next drain; a caller that is turned away can
 * still answer in time, whereas memory without a bound cannot be given back.
 */
const MAX_BUFFERED = 10_000;

/** `down`: no channel. `full`: the connection does not take what is written. `sent`: written, with no promise of arrival. */
export type TransientResult = 'sent' | 'down' | 'full';

export interface TransientPublisherDeps {
  readonly link: RabbitLink;
  readonly subject: string;
  readonly logger: Logger;
  /** A mandatory message that no queue takes. */
  readonly onReturn: (message: Message) => void;
  readonly onLost: (cause: AppError) => void;
}

/** Publishes without confirms, for messages that are worth nothing after their deadline: RPC requests and replies. */
export class TransientPublisher {
  readonly #deps: TransientPublisherDeps;
  readonly #supervisor: ChannelSupervisor<BrokerChannel>;
  #draining = false;
  #buffered = 0;

  constructor(deps: TransientPublisherDeps) {
    this.#deps = deps;
    this.#supervisor = new ChannelSupervisor({
      link: deps.link,
      subject: deps.subject,
      logger: deps.logger,
      open: (session) => session.openChannel(),
      onOpen: (channel) => this.#opened(channel),
      onLost: deps.onLost,
    });
  }

  start(): void {
    this.#supervisor.start();
  }

  get ready(): boolean {
    return this.#supervisor.channel !== undefined;
  }

  /** @throws never: what amqplib throws on a closing channel counts as `down` */
  publish(exchange: string, key: string, body: Buffer, options: Options.Publish): TransientResult {
    const channel = this.#supervisor.channel;
    if (channel === undefined) return 'down';
    if (this.#draining && ++this.#buffered > MAX_BUFFERED) return 'full';
    try {
      if (!channel.publish(exchange, key, body, options)) this.#draining = true;
      return 'sent';
    } catch (cause) {
      this.#deps.logger.warn({ err: cause }, 'a message could not be written');
      return 'down';
    }
  }

  async stop(): Promise<void> {
    await this.#supervisor.stop();
  }

  async #opened(channel: BrokerChannel): Promise<void> {
    this.#drained();
    channel.on('drain', () => this.#drained());
    channel.on('return', this.#deps.onReturn);
  }

  #drained(): void {
    this.#draining = false;
    this.#buffered = 0;
  }
}
