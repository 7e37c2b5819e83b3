import type { GetMessage, Options } from 'amqplib';
import { HeldDeliveries, type Settlement } from './held_deliveries.ts';
import type { ChannelPeer } from './peers.ts';
import { type Method, Refusal } from './refusal.ts';
import type { ServerConnection } from './server_connection.ts';
import { deliveryOf, ServerConsumer } from './server_consumer.ts';
import { checkProperties, propertiesOf, type StoredMessage } from './stored_message.ts';

const NO_ROUTE = { replyCode: 312, replyText: 'NO_ROUTE', deliveryTag: 0, redelivered: false };

/** The broker's half of a channel: its consumers, its confirms, what was delivered on it. */
export class ServerChannel {
  readonly connection: ServerConnection;
  readonly #peer: ChannelPeer;
  readonly #held: HeldDeliveries;
  readonly #consumers = new Map<string, ServerConsumer>();
  /** Consumers whose answer is not on its way yet: a delivery must not overtake it. */
  readonly #starting: ServerConsumer[] = [];
  #open = true;
  #prefetch = 0;
  /** Number of the last published message; undefined while confirms are off. */
  #published: number | undefined;

  constructor(connection: ServerConnection, peer: ChannelPeer) {
    this.connection = connection;
    this.#peer = peer;
    this.#held = new HeldDeliveries((how, queue, { message }) => connection.note(how, queue.settings.name, message));
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

  /** The channel is gone, by whoever's doing. */
  end(): void {
    this.#open = false;
    for (const consumer of this.#consumers.values()) consumer.queue.unsubscribe(consumer);
    this.#consumers.clear();
    this.#held.giveBackAll();
  }

  limit(count: number): void {
    this.#prefetch = count;
  }

  selectConfirms(): void {
    this.#published ??= 0;
  }

  /** @throws Refusal 403, 404, 406 */
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
    const exclusive = options.exclusive === true && queue.settings.type === 'classic';
    if (queue.heldExclusively || (exclusive && queue.consumers > 0))
      throw new Refusal(403, `queue '${name}' in vhost '${vhost.name}' in exclusive use`);
    const consumer = new ServerConsumer({
      tag: options.consumerTag ?? vhost.madeUpName('amq.ctag'),
      queue,
      exclusive,
      noAck: options.noAck ?? false,
      prefetch: this.#prefetch,
      held: this.#held,
      onMessage: (message, stored) => {
        this.connection.note('deliver', name, stored);
        this.connection.tell(() => this.#peer.delivered(message));
      },
      onCancel: ({ tag }) => {
        this.#consumers.delete(tag);
        this.connection.tell(() => this.#peer.canceled(tag));
      },
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
    const deliveryTag = noAck ? this.#held.skip() : this.#held.hold(entry, queue, undefined);
    const { fields, ...rest } = deliveryOf(entry, queue, { deliveryTag, consumerTag: '' });
    return { ...rest, fields: { ...fields, messageCount: queue.ready } };
  }

  /** @throws Refusal 406 */
  settle(tag: number, all: boolean, how: Settlement): void {
    this.#held.settle(tag, all, how);
  }

  #return(message: StoredMessage): void {
    const { exchange, key, properties, body } = message;
    const fields = { ...NO_ROUTE, exchange, routingKey: key };
    this.connection.note('return', exchange, message);
    this.connection.tell(() => this.#peer.returned({ content: body, fields, properties }));
  }
}
