import type { ConsumeMessage, GetMessage, Message, Options } from 'amqplib';
import type { MemoryQueue } from './memory_queue.ts';
import { type Method, Refusal } from './refusal.ts';
import type { ServerConnection } from './server_connection.ts';
import { deliveryOf, ServerConsumer } from './server_consumer.ts';
import { type Entry, propertiesOf, type StoredMessage } from './stored_message.ts';

/** What the broker tells a channel of a client. */
export interface ChannelPeer {
  delivered(message: ConsumeMessage): void;
  canceled(consumerTag: string): void;
  returned(message: Message): void;
  confirmed(tag: number, stored: boolean): void;
  closed(refusal: Refusal, method: Method): void;
}

interface Held {
  readonly entry: Entry;
  readonly queue: MemoryQueue;
  readonly consumer: ServerConsumer | undefined;
}

const NO_ROUTE = { replyCode: 312, replyText: 'NO_ROUTE' };

/** The broker's half of a channel: what was delivered on it and is not settled, its consumers, its confirms. */
export class ServerChannel {
  readonly connection: ServerConnection;
  readonly #peer: ChannelPeer;
  readonly #held = new Map<number, Held>();
  readonly #consumers = new Map<string, ServerConsumer>();
  /** Consumers whose answer is not on its way yet: a delivery must not overtake it. */
  readonly #starting: ServerConsumer[] = [];
  #open = true;
  #prefetch = 0;
  #lastTag = 0;
  /** Number of the last published message; undefined while confirms are off. */
  #published: number | undefined;

  constructor(connection: ServerConnection, peer: ChannelPeer) {
    this.connection = connection;
    this.#peer = peer;
  }

  /** Does what a frame asks for and answers it, if the client waits for an answer. A refusal closes the channel. */
  run<T>(method: Method, work: (channel: ServerChannel) => T, answer?: (value: T) => void): void {
    if (!this.#open) return;
    try {
      const value = work(this);
      if (answer !== undefined) this.connection.tell(() => answer(value));
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause;
      this.end();
      this.connection.tell(() => this.#peer.closed(cause, method));
      return;
    }
    for (const consumer of this.#starting.splice(0)) consumer.queue.subscribe(consumer);
  }

  /** The channel is gone, by whoever's doing: what is not settled goes back to its queue. */
  end(): void {
    this.#open = false;
    for (const consumer of this.#consumers.values()) consumer.queue.unsubscribe(consumer);
    this.#consumers.clear();
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const { entry, queue } of held) queue.giveBack(entry);
  }

  limit(count: number): void {
    this.#prefetch = count;
  }

  selectConfirms(): void {
    this.#published ??= 0;
  }

  publish(exchange: string, key: string, body: Buffer, options: Options.Publish): void {
    const { vhost, rights } = this.connection;
    const properties = propertiesOf(options);
    rights.check('write', 'exchange', exchange);
    vhost.exchanges.check(exchange);
    checkProperties(properties, rights.user);
    if (vhost.exchanges.typeOf(exchange) === 'topic') rights.checkTopic('write', exchange, key);
    const tag = this.#published === undefined ? undefined : ++this.#published;
    const message: StoredMessage = { exchange, key, properties, body };
    const { queues, refused } = this.connection.place(message);
    if (queues.length === 0 && options.mandatory === true) this.#return(message);
    if (tag !== undefined) this.connection.confirm(queues[0], () => this.#peer.confirmed(tag, !refused));
  }

  /** @throws Refusal 403, 404, 405 */
  consume(name: string, options: Options.Consume): { consumerTag: string } {
    const { vhost, rights } = this.connection;
    rights.check('read', 'queue', name);
    const queue = vhost.queue(name, this.connection);
    const alone = options.exclusive === true && queue.settings.type === 'classic';
    if (queue.heldExclusively || (alone && queue.consumers > 0))
      throw new Refusal(403, `queue '${name}' in vhost '${vhost.name}' in exclusive use`);
    const consumer = new ServerConsumer({
      tag: options.consumerTag ?? vhost.madeUpName('amq.ctag'),
      queue,
      exclusive: alone,
      noAck: options.noAck ?? false,
      prefetch: this.#prefetch,
      send: (entry, to, noAck) => this.#deliver(entry, to, noAck),
      onCancel: ({ tag }) => this.#canceled(tag),
    });
    this.#consumers.set(consumer.tag, consumer);
    this.#starting.push(consumer);
    return { consumerTag: consumer.tag };
  }

  cancel(consumerTag: string): { consumerTag: string } {
    const consumer = this.#consumers.get(consumerTag);
    this.#consumers.delete(consumerTag);
    consumer?.queue.unsubscribe(consumer);
    return { consumerTag };
  }

  /** @throws Refusal 403, 404, 405 */
  get(name: string, noAck: boolean): GetMessage | false {
    const { vhost, rights } = this.connection;
    rights.check('read', 'queue', name);
    const queue = vhost.queue(name, this.connection);
    const entry = queue.take();
    if (entry === undefined) return false;
    const tag = this.#hold(entry, queue, noAck ? 'no ack' : undefined);
    const { fields, ...rest } = deliveryOf(entry, queue, { deliveryTag: tag, consumerTag: '' });
    return { ...rest, fields: { ...fields, messageCount: queue.ready } };
  }

  /** Settles one delivery, or all up to it; tag 0 stands for all. @throws Refusal 406 for a tag that is not held */
  settle(tag: number, all: boolean, how: 'ack' | 'requeue' | 'reject'): void {
    if (!this.#held.has(tag) && !(all && tag === 0)) throw new Refusal(406, `unknown delivery tag ${tag}`);
    const isMeant = (held: number): boolean => held === tag || (all && (tag === 0 || held < tag));
    for (const one of [...this.#held.keys()].filter(isMeant)) this.#settleOne(one, how);
  }

  #settleOne(tag: number, how: 'ack' | 'requeue' | 'reject'): void {
    const held = this.#held.get(tag);
    if (held === undefined) return;
    this.#held.delete(tag);
    this.connection.note(how, held.queue.settings.name, held.entry.message);
    if (how === 'requeue') held.queue.giveBack(held.entry);
    if (how === 'reject') held.queue.reject(held.entry);
    held.consumer?.settled();
  }

  #deliver(entry: Entry, consumer: ServerConsumer, noAck: boolean): void {
    const { tag: consumerTag, queue } = consumer;
    const tag = this.#hold(entry, queue, noAck ? 'no ack' : consumer);
    const message = deliveryOf(entry, queue, { deliveryTag: tag, consumerTag });
    this.connection.note('deliver', queue.settings.name, entry.message);
    this.connection.tell(() => this.#peer.delivered(message));
  }

  #hold(entry: Entry, queue: MemoryQueue, by: ServerConsumer | 'no ack' | undefined): number {
    const tag = ++this.#lastTag;
    if (by !== 'no ack') this.#held.set(tag, { entry, queue, consumer: by });
    return tag;
  }

  #canceled(consumerTag: string): void {
    this.#consumers.delete(consumerTag);
    this.connection.tell(() => this.#peer.canceled(consumerTag));
  }

  #return({ exchange, key, properties, body }: StoredMessage): void {
    const fields = { ...NO_ROUTE, exchange, routingKey: key, deliveryTag: 0, redelivered: false };
    this.connection.note('return', exchange, { exchange, key, properties, body });
    this.connection.tell(() => this.#peer.returned({ content: body, fields, properties }));
  }
}

/** @throws Refusal 406 */
function checkProperties({ userId, expiration }: StoredMessage['properties'], user: string): void {
  if (userId !== undefined && userId !== user)
    throw new Refusal(406, `user_id property set to '${String(userId)}' but authenticated user was '${user}'`);
  if (typeof expiration === 'string' && !/^\d+$/.test(expiration))
    throw new Refusal(406, `invalid expiration '${expiration}'`);
}
