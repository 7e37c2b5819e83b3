import { randomBytes } from 'node:crypto';
import type { AppError, Logger } from '@warren/kernel';
import type { ConsumeMessage } from 'amqplib';
import type { BrokerChannel } from './broker_port.ts';
import { ChannelSupervisor } from './channel_supervisor.ts';
import { declareQueue } from './declare_queue.ts';
import type { RabbitLink } from './rabbit_link.ts';
import { replyQueueSpec } from './topology.ts';

const EPOCH_BYTES = 16;

/** Where replies arrive at this moment. A new one with every channel, so that no reply of an earlier life is taken for ours. */
export interface ReplyAddress {
  readonly replyTo: string;
  /** 128 random bits, hex: the first part of every correlation id. */
  readonly epoch: string;
}

export interface ReplyQueueDeps {
  readonly link: RabbitLink;
  readonly user: string;
  readonly instance: string;
  readonly logger: Logger;
  readonly onReply: (message: ConsumeMessage) => void;
  /** Replies under way are lost. */
  readonly onLost: (cause: AppError) => void;
}

/** The exclusive queue of this process for replies to its calls. */
export class ReplyQueue {
  readonly #deps: ReplyQueueDeps;
  readonly #supervisor: ChannelSupervisor<BrokerChannel>;
  #generation = 0;
  #address: ReplyAddress | undefined;

  constructor(deps: ReplyQueueDeps) {
    this.#deps = deps;
    this.#supervisor = new ChannelSupervisor({
      link: deps.link,
      subject: 'the reply queue',
      logger: deps.logger,
      open: (session) => session.openChannel(),
      onOpen: (channel) => this.#opened(channel),
      onLost: (cause) => {
        this.#address = undefined;
        deps.onLost(cause);
      },
    });
  }

  /** Undefined while replies cannot arrive. */
  get address(): ReplyAddress | undefined {
    return this.#address;
  }

  get lastError(): AppError | undefined {
    return this.#supervisor.lastError;
  }

  start(): void {
    this.#supervisor.start();
  }

  async stop(): Promise<void> {
    this.#address = undefined;
    await this.#supervisor.stop();
  }

  async #opened(channel: BrokerChannel): Promise<void> {
    const { user, instance, onReply } = this.#deps;
    const queue = replyQueueSpec(user, instance, ++this.#generation);
    const onMessage = (message: ConsumeMessage | null): void => {
      if (message === null) void this.#supervisor.discard(channel);
      else onReply(message);
    };
    await declareQueue(channel, queue);
    await channel.consume(queue.name, onMessage, { noAck: true, exclusive: true });
    this.#address = { replyTo: queue.name, epoch: randomBytes(EPOCH_BYTES).toString('hex') };
  }
}
