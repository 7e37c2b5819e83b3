import { EventEmitter } from 'node:events';
import {
  type ConsumeMessage,
  type GetMessage,
  IllegalOperationError,
  type Message,
  type Options,
  type Replies,
} from 'amqplib';
import type { BrokerConfirmChannel } from '../broker_port.ts';
import { callFailed, channelClosed, type Method, type Refusal } from './refusal.ts';
import type { ServerChannel } from './server_channel.ts';
import type { ServerConnection } from './server_connection.ts';
import { declarations } from './server_declarations.ts';

/** Messages written and not read by the broker, above which `publish` says that it would rather not have more. */
const HIGH_WATER_MARK = 1_024;

type Confirmed = (error: unknown) => void;
type PublishRest = [options?: Options.Publish, confirmed?: Confirmed];
type OnMessage = (message: ConsumeMessage | null) => void;

interface Call {
  readonly method: Method;
  readonly send: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * The client's half of a channel: does what a channel of amqplib does, including what it does when it is closed, which is
 * where code above it goes wrong. One call waits for the broker at a time, the others queue here.
 */
export class MemoryChannel extends EventEmitter implements BrokerConfirmChannel {
  readonly #connection: ServerConnection;
  readonly #server: ServerChannel;
  readonly #calls: Call[] = [];
  readonly #consumers = new Map<string, OnMessage>();
  readonly #unconfirmed = new Map<number, Confirmed | undefined>();
  #state: 'open' | 'Channel closing' | 'Channel closed' = 'open';
  #confirming = false;
  #published = 0;
  #unread = 0;
  #full = false;

  constructor(connection: ServerConnection) {
    super();
    this.#connection = connection;
    this.#server = connection.openChannel({
      delivered: (message) => this.#delivered(message),
      canceled: (tag) => this.#canceled(tag),
      returned: (message) => this.#whenOpen(() => this.#emit('return', message)),
      confirmed: (tag, stored) => this.#whenOpen(() => this.#confirmed(tag, stored)),
      closed: (refusal, method) => this.#whenOpen(() => this.#refused(refusal, method)),
    });
  }

  /** For the connection alone: the first words of every channel. */
  async open(confirming: boolean): Promise<void> {
    await this.#call('ChannelOpen', () => undefined);
    if (confirming) await this.#call('ConfirmSelect', (server) => server.selectConfirms());
    this.#confirming = confirming;
  }

  async assertExchange(
    name: string,
    type: string,
    options: Options.AssertExchange = {},
  ): Promise<Replies.AssertExchange> {
    await this.#call('ExchangeDeclare', (server) => declarations.declareExchange(server, name, { ...options, type }));
    return { exchange: name };
  }

  checkExchange(name: string): Promise<Replies.Empty> {
    return this.#call('ExchangeDeclare', (server) => declarations.checkExchange(server, name));
  }

  deleteExchange(name: string): Promise<Replies.Empty> {
    return this.#call('ExchangeDelete', (server) => declarations.deleteExchange(server, name));
  }

  assertQueue(name = '', options: Options.AssertQueue = {}): Promise<Replies.AssertQueue> {
    return this.#call('QueueDeclare', (server) => declarations.declareQueue(server, name, options));
  }

  checkQueue(name: string): Promise<Replies.AssertQueue> {
    return this.#call('QueueDeclare', (server) => declarations.checkQueue(server, name));
  }

  deleteQueue(name: string): Promise<Replies.DeleteQueue> {
    return this.#call('QueueDelete', (server) => declarations.deleteQueue(server, name));
  }

  purgeQueue(name: string): Promise<Replies.PurgeQueue> {
    return this.#call('QueuePurge', (server) => declarations.purgeQueue(server, name));
  }

  bindQueue(queue: string, exchange: string, pattern: string): Promise<Replies.Empty> {
    return this.#call('QueueBind', (server) => declarations.bindQueue(server, { queue, exchange, pattern }));
  }

  unbindQueue(queue: string, exchange: string, pattern: string): Promise<Replies.Empty> {
    return this.#call('QueueUnbind', (server) => declarations.unbindQueue(server, { queue, exchange, pattern }));
  }

  prefetch(count: number): Promise<Replies.Empty> {
    return this.#call('BasicQos', (server) => {
      server.limit(count);
      return {};
    });
  }

  consume(queue: string, onMessage: OnMessage, options: Options.Consume = {}): Promise<Replies.Consume> {
    return this.#call(
      'BasicConsume',
      (server) => server.consume(queue, options),
      ({ consumerTag }) => this.#consumers.set(consumerTag, onMessage),
    );
  }

  async cancel(consumerTag: string): Promise<Replies.Cancel> {
    const reply = await this.#call('BasicCancel', (server) => server.cancel(consumerTag));
    this.#consumers.delete(consumerTag);
    return reply;
  }

  get(queue: string, options: Options.Get = {}): Promise<GetMessage | false> {
    return this.#call('BasicGet', (server) => server.get(queue, options.noAck ?? false));
  }

  publish(exchange: string, key: string, body: Buffer, ...rest: PublishRest): boolean {
    const [options = {}, confirmed] = rest;
    // The caller may use the buffer again; what was written to a socket stays as it was.
    const copy = Buffer.from(body);
    this.#send('BasicPublish', (server) => {
      this.#wasRead();
      server.publish(exchange, key, copy, options);
    });
    if (this.#confirming) this.#unconfirmed.set(++this.#published, confirmed);
    this.#unread++;
    this.#full ||= this.#unread >= HIGH_WATER_MARK;
    return !this.#full;
  }

  sendToQueue(queue: string, body: Buffer, ...rest: PublishRest): boolean {
    return this.publish('', queue, body, ...rest);
  }

  ack({ fields }: Message, allUpTo = false): void {
    this.#send('BasicAck', (server) => server.settle(fields.deliveryTag, allUpTo, 'ack'));
  }

  nack({ fields }: Message, allUpTo = false, requeue = true): void {
    this.#send('BasicNack', (server) => server.settle(fields.deliveryTag, allUpTo, requeue ? 'requeue' : 'reject'));
  }

  reject({ fields }: Message, requeue = true): void {
    this.#send('BasicReject', (server) => server.settle(fields.deliveryTag, false, requeue ? 'requeue' : 'reject'));
  }

  /** Never settles when the connection breaks meanwhile, as with amqplib. */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'open') {
        reject(new IllegalOperationError(this.#state));
        return;
      }
      this.#state = 'Channel closing';
      this.#connection.receive(() => {
        this.#connection.channelEnded(this.#server);
        this.#connection.tell(() => {
          if (this.#state !== 'Channel closing') return;
          resolve();
          this.end();
        });
      });
    });
  }

  /** For the connection alone, when it is closed itself: calls fail, confirms are lost. */
  end(): void {
    if (this.#state === 'Channel closed') return;
    this.#state = 'Channel closed';
    for (const call of this.#calls.splice(0)) call.fail(new Error('Channel ended, no reply will be forthcoming'));
    this.#consumers.clear();
    const lost = [...this.#unconfirmed.values()];
    this.#unconfirmed.clear();
    for (const confirmed of lost) confirmed?.(new Error('channel closed'));
    this.#emit('close');
  }

  #send(method: Method, work: (server: ServerChannel) => void): void {
    if (this.#state !== 'open') throw new IllegalOperationError(this.#state);
    this.#connection.receive(() => this.#server.run(method, work), method === 'BasicPublish');
  }

  /** `first` runs in the frame of the answer, before anything that may follow it in the same packet. */
  #call<T>(method: Method, work: (server: ServerChannel) => T, first?: (value: T) => void): Promise<T> {
    return new Promise((resolve, fail) => {
      if (this.#state !== 'open') throw new IllegalOperationError(this.#state);
      const answer = (value: T): void =>
        this.#whenOpen(() => {
          this.#calls.shift();
          this.#calls[0]?.send();
          first?.(value);
          resolve(value);
        });
      const send = (): void => this.#connection.receive(() => this.#server.run(method, work, answer));
      this.#calls.push({ method, send, fail });
      if (this.#calls.length === 1) send();
    });
  }

  #whenOpen(work: () => void): void {
    if (this.#state === 'open') work();
  }

  #refused(refusal: Refusal, method: Method): void {
    const waiting = this.#calls.shift();
    waiting?.fail(callFailed(refusal, method, waiting.method));
    this.#emit('error', channelClosed(refusal, method));
    this.end();
  }

  #delivered(message: ConsumeMessage): void {
    this.#whenOpen(() => this.#guarded('delivery', () => this.#consumers.get(message.fields.consumerTag)?.(message)));
  }

  #canceled(tag: string): void {
    this.#whenOpen(() => {
      const onMessage = this.#consumers.get(tag);
      this.#consumers.delete(tag);
      this.#guarded('cancel', () => onMessage?.(null));
    });
  }

  #confirmed(tag: number, stored: boolean): void {
    const confirmed = this.#unconfirmed.get(tag);
    this.#unconfirmed.delete(tag);
    confirmed?.(stored ? null : new Error('message nacked'));
  }

  #wasRead(): void {
    this.#unread--;
    if (!this.#full || this.#unread > 0) return;
    this.#full = false;
    this.#connection.tell(() => this.#whenOpen(() => this.#emit('drain')));
  }

  #emit(event: string, ...values: unknown[]): void {
    this.#guarded(event, () => this.emit(event, ...values));
  }

  /** What a listener throws goes to `handler-error`; without one it is nobody's. */
  #guarded(event: string, work: () => void): void {
    try {
      work();
    } catch (cause) {
      if (this.listenerCount('handler-error') === 0) throw cause;
      setImmediate(() => this.emit('handler-error', cause, event));
    }
  }
}
