import type { ConsumeMessage } from 'amqplib';
import type { MemoryQueue, Subscriber } from './memory_queue.ts';
import type { Entry } from './stored_message.ts';

/** One consumer, on the broker's side. */
export class ServerConsumer implements Subscriber {
  readonly tag: string;
  readonly queue: MemoryQueue;
  readonly exclusive: boolean;
  readonly #noAck: boolean;
  readonly #prefetch: number;
  readonly #send: (entry: Entry, consumer: ServerConsumer, noAck: boolean) => void;
  readonly #onCancel: (consumer: ServerConsumer) => void;
  #held = 0;

  constructor(deps: {
    readonly tag: string;
    readonly queue: MemoryQueue;
    readonly exclusive: boolean;
    readonly noAck: boolean;
    /** 0: no limit. */
    readonly prefetch: number;
    readonly send: (entry: Entry, consumer: ServerConsumer, noAck: boolean) => void;
    readonly onCancel: (consumer: ServerConsumer) => void;
  }) {
    this.tag = deps.tag;
    this.queue = deps.queue;
    this.exclusive = deps.exclusive;
    this.#noAck = deps.noAck;
    this.#prefetch = deps.prefetch;
    this.#send = deps.send;
    this.#onCancel = deps.onCancel;
  }

  get hungry(): boolean {
    return this.#noAck || this.#prefetch === 0 || this.#held < this.#prefetch;
  }

  deliver(entry: Entry): void {
    if (!this.#noAck) this.#held++;
    this.#send(entry, this, this.#noAck);
  }

  /** One of its messages was settled. */
  settled(): void {
    this.#held--;
    this.queue.wake();
  }

  canceled(): void {
    this.#onCancel(this);
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
