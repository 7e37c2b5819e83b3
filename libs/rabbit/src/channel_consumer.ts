import type { ConsumeMessage } from 'amqplib';
import type { BrokerChannel } from './broker_port.ts';

export interface ChannelConsumerDeps {
  readonly channel: BrokerChannel;
  readonly queue: string;
  /** Unsettled messages at most that are wanted at this moment; 0: none shall come. */
  readonly wanted: () => number;
  readonly onMessage: (message: ConsumeMessage) => void;
  /** The broker delivers to us from now on. */
  readonly onConsuming: () => void;
  /** The broker has ended the consumer: its queue was deleted or moved. */
  readonly onCancelled: () => void;
}

/**
 * The consumer of one channel: made and cancelled as is wanted, one step after the other. What is wanted may change while
 * the broker answers, so each step looks again.
 */
export class ChannelConsumer {
  readonly #deps: ChannelConsumerDeps;
  #steps: Promise<void> = Promise.resolve();
  #tag: string | undefined;
  #limit = 0;
  #isOver = false;

  constructor(deps: ChannelConsumerDeps) {
    this.#deps = deps;
  }

  /** With which the broker delivers to us at this moment; 0: it does not. */
  get limit(): number {
    return this.#limit;
  }

  /** Resolves when the broker knows what is wanted. Rejects when the channel is gone, and the consumer with it. */
  adjust(): Promise<void> {
    const done = this.#steps.then(() => this.#follow());
    this.#steps = done.catch(() => undefined);
    return done;
  }

  /** The channel is gone, or about to go. */
  end(): void {
    this.#isOver = true;
    this.#limit = 0;
  }

  async #follow(): Promise<void> {
    const { wanted } = this.#deps;
    for (let limit = wanted(); !this.#isOver && limit !== this.#limit; limit = wanted()) {
      if (this.#tag === undefined) await this.#consume(limit);
      else await this.#cancel(this.#tag);
    }
  }

  async #consume(limit: number): Promise<void> {
    const { channel, queue, onMessage, onConsuming } = this.#deps;
    // for consumers that begin from now on
    await channel.prefetch(limit);
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) this.#cancelled();
      else onMessage(message);
    });
    if (this.#isOver) return;
    this.#tag = consumerTag;
    this.#limit = limit;
    onConsuming();
  }

  async #cancel(tag: string): Promise<void> {
    this.#tag = undefined;
    this.#limit = 0;
    await this.#deps.channel.cancel(tag);
  }

  #cancelled(): void {
    this.end();
    this.#deps.onCancelled();
  }
}
