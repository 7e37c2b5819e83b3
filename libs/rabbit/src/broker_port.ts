import type { Connection, ConsumeMessage, GetMessage, Message, Options, Replies, SocketOptions } from 'amqplib';

/**
 * All that this package uses of a connection to a broker. amqplib has these shapes by itself; the in-memory twin has them
 * by intention. What is not listed here may be used only where it is looked for and may be absent, as amqp_socket.ts does
 * with the socket.
 */
export type Connect = (url: string, options: ConnectOptions) => Promise<BrokerConnection>;

/** Aborting the signal destroys the connection at once, also one that is still being opened. */
export type ConnectOptions = SocketOptions & { readonly signal: AbortSignal };

type ConfirmCallback = (error: unknown) => void;

export interface BrokerConnection {
  readonly connection: Connection;
  createChannel(): Promise<BrokerChannel>;
  createConfirmChannel(): Promise<BrokerConfirmChannel>;
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close', listener: (error?: Error) => void): unknown;
  on(event: 'blocked', listener: (reason: string) => void): unknown;
  on(event: 'unblocked', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export interface BrokerChannel {
  assertExchange(name: string, type: string, options: Options.AssertExchange): Promise<Replies.AssertExchange>;
  checkExchange(name: string): Promise<Replies.Empty>;
  assertQueue(name: string, options: Options.AssertQueue): Promise<Replies.AssertQueue>;
  checkQueue(name: string): Promise<Replies.AssertQueue>;
  bindQueue(queue: string, exchange: string, pattern: string): Promise<Replies.Empty>;
  prefetch(count: number): Promise<Replies.Empty>;
  consume(
    queue: string,
    onMessage: (message: ConsumeMessage | null) => void,
    options?: Options.Consume,
  ): Promise<Replies.Consume>;
  cancel(consumerTag: string): Promise<Replies.Cancel>;
  get(queue: string, options?: Options.Get): Promise<GetMessage | false>;
  publish(exchange: string, key: string, body: Buffer, options?: Options.Publish): boolean;
  ack(message: Message, allUpTo?: boolean): void;
  nack(message: Message, allUpTo?: boolean, requeue?: boolean): void;
  reject(message: Message, requeue?: boolean): void;
  close(): Promise<void>;
  on(event: 'error' | 'handler-error', listener: (error: Error) => void): unknown;
  on(event: 'return', listener: (message: Message) => void): unknown;
  on(event: 'drain', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export interface BrokerConfirmChannel extends BrokerChannel {
  /** `confirmed` gets null for an ack, an Error `message nacked` for a nack, another Error when the channel is lost. */
  publish(exchange: string, key: string, body: Buffer, options?: Options.Publish, confirmed?: ConfirmCallback): boolean;
}
