import type { ConsumeMessage } from 'amqplib';
import type { HeldDeliveries } from './held_deliveries.ts';
import type { MemoryQueue } from './memory_queue.ts';
import type { Entry, StoredMessage } from './stored_message.ts';
import type { Subscriber } from './subscribers.ts';

export interface ServerConsumerDeps {
  readonly tag: string;
  readonly queue: MemoryQueue;
  readonly exclusive: boolean;
  readonly noAck: boolean;
  /** 0: no limit. */
  readonly prefetch: number;
  /** Where its deliveries wait for their settlement. */
  readonly held: HeldDeliveries;
  readonly onMessage: (message: ConsumeMessage, stored: StoredMessage) => void;
  readonly onCancel: (consumer: ServerConsumer) => void;
}

/** One consumer, on the broker's side. */
export class ServerConsumer implements Subscriber {
  readonly tag: string;
  readonly queue: MemoryQueue;
  readonly exclusive: boolean;
  readonly #deps: ServerConsumerDeps;
  #unsettled = 0;

  constructor(deps: ServerConsumerDeps) {
    this.#deps = deps;
    this.tag = deps.tag;
    this.queue = deps.queue;
    this.exclusive = deps.exclusive;
  }

  get hungry(): boolean {
    const { noAck, prefetch } = this.#deps;
    return noAck || prefetch === 0 || this.#unsettled < prefetch;
  }

  deliver(entry: Entry): void {
    const { noAck, held, onMessage } = this.#deps;
    if (!noAck) this.#unsettled++;
    const deliveryTag = noAck ? held.skip() : held.hold(entry, this.queue, this);
    onMessage(deliveryOf(entry, this.queue, { deliveryTag, consumerTag: this.tag }), entry.message);
  }

  /** One of its messages was settled. */
  settled(): void {
    this.#unsettled--;
    this.queue.wake();
  }

  canceled(): void {
    this.#deps.onCancel(this);
  }
}

/** A delivery as amqplib hands it out. */
export function deliveryOf(
  { message, redelivered, returns }: Entry,
  queue: MemoryQueue,
  tags: { readonly deliveryTag: number; readonly consumerTag: string },
): ConsumeMessage {
  const counted = queue.settings.type === 'quorum' && returns > 0 ? { 'x-delivery-count': returns } : {};
  return {
    content: Buffer.from(message.body),
    fields: { ...tags, redelivered, exchange: message.exchange, routingKey: message.key },
    properties: { ...message.properties, headers: { ...message.properties.headers, ...counted } },
  };
}
