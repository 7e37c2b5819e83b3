import type { GetMessage, Message, Options, Replies } from 'amqplib';
import type { BrokerConfirmChannel } from '../broker_port.ts';
import { ChannelCore, type Confirmed, type OnMessage } from './channel_core.ts';
import type { ServerConnection } from './server_connection.ts';
import { declarations } from './server_declarations.ts';

/** Messages written and not read by the broker, above which `publish` says that it would rather not have more. */
const HIGH_WATER_MARK = 1_024;

type PublishRest = [options?: Options.Publish, confirmed?: Confirmed];

/** The client's half of a channel: does what a channel of amqplib does. */
export class MemoryChannel extends ChannelCore implements BrokerConfirmChannel {
  readonly #connection: ServerConnection;
  #confirming = false;
  #published = 0;
  #unread = 0;
  #full = false;

  constructor(connection: ServerConnection) {
    super(connection);
    this.#connection = connection;
  }

  /** For the connection alone: the first words of every channel. */
  async open(confirming: boolean): Promise<void> {
    await this.call('ChannelOpen', () => undefined);
    if (confirming) await this.call('ConfirmSelect', (server) => server.selectConfirms());
    this.#confirming = confirming;
  }

  async assertExchange(
    name: string,
    type: string,
    options: Options.AssertExchange = {},
  ): Promise<Replies.AssertExchange> {
    await this.call('ExchangeDeclare', (server) => declarations.declareExchange(server, name, { ...options, type }));
    return { exchange: name };
  }

  checkExchange(name: string): Promise<Replies.Empty> {
    return this.call('ExchangeDeclare', (server) => declarations.checkExchange(server, name));
  }

  deleteExchange(name: string): Promise<Replies.Empty> {
    return this.call('ExchangeDelete', (server) => declarations.deleteExchange(server, name));
  }

  assertQueue(name = '', options: Options.AssertQueue = {}): Promise<Replies.AssertQueue> {
    return this.call('QueueDeclare', (server) => declarations.declareQueue(server, name, options));
  }

  checkQueue(name: string): Promise<Replies.AssertQueue> {
    return this.call('QueueDeclare', (server) => declarations.checkQueue(server, name));
  }

  deleteQueue(name: string): Promise<Replies.DeleteQueue> {
    return this.call('QueueDelete', (server) => declarations.deleteQueue(server, name));
  }

  purgeQueue(name: string): Promise<Replies.PurgeQueue> {
    return this.call('QueuePurge', (server) => declarations.purgeQueue(server, name));
  }

  bindQueue(queue: string, exchange: string, pattern: string): Promise<Replies.Empty> {
    return this.call('QueueBind', (server) => declarations.bindQueue(server, { queue, exchange, pattern }));
  }

  unbindQueue(queue: string, exchange: string, pattern: string): Promise<Replies.Empty> {
    return this.call('QueueUnbind', (server) => declarations.unbindQueue(server, { queue, exchange, pattern }));
  }

  async prefetch(count: number): Promise<Replies.Empty> {
    await this.call('BasicQos', (server) => server.limit(count));
    return {};
  }

  consume(queue: string, onMessage: OnMessage, options: Options.Consume = {}): Promise<Replies.Consume> {
    return this.call(
      'BasicConsume',
      (server) => server.consume(queue, options),
      ({ consumerTag }) => this.consumers.set(consumerTag, onMessage),
    );
  }

  async cancel(consumerTag: string): Promise<Replies.Cancel> {
    const reply = await this.call('BasicCancel', (server) => server.cancel(consumerTag));
    this.consumers.delete(consumerTag);
    return reply;
  }

  get(queue: string, options: Options.Get = {}): Promise<GetMessage | false> {
    return this.call('BasicGet', (server) => server.get(queue, options.noAck ?? false));
  }

  publish(exchange: string, key: string, body: Buffer, ...[options = {}, confirmed]: PublishRest): boolean {
    // The caller may use the buffer again; what was written to a socket stays as it was.
    const copy = Buffer.from(body);
    this.send('BasicPublish', (server) => {
      this.#wasRead();
      server.publish(exchange, key, copy, options);
    });
    if (this.#confirming) this.unconfirmed.set(++this.#published, confirmed);
    this.#unread++;
    this.#full ||= this.#unread >= HIGH_WATER_MARK;
    return !this.#full;
  }

  sendToQueue(queue: string, body: Buffer, ...rest: PublishRest): boolean {
    return this.publish('', queue, body, ...rest);
  }

  ack({ fields }: Message, allUpTo = false): void {
    this.send('BasicAck', (server) => server.settle(fields.deliveryTag, allUpTo, 'ack'));
  }

  nack({ fields }: Message, allUpTo = false, requeue = true): void {
    this.send('BasicNack', (server) => server.settle(fields.deliveryTag, allUpTo, requeue ? 'requeue' : 'reject'));
  }

  reject({ fields }: Message, requeue = true): void {
    this.send('BasicReject', (server) => server.settle(fields.deliveryTag, false, requeue ? 'requeue' : 'reject'));
  }

  #wasRead(): void {
    this.#unread--;
    if (!this.#full || this.#unread > 0) return;
    this.#full = false;
    this.#connection.tell(() => this.whenOpen(() => this.announce('drain')));
  }
}
