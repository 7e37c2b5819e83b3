import amqp, { type ChannelModel, type ConfirmChannel, type Options } from 'amqplib';

/** A message as it lies in a queue. */
export interface RawMessage {
  readonly body: Buffer;
  readonly properties: {
    readonly messageId?: unknown;
    readonly correlationId?: unknown;
    readonly userId?: unknown;
    readonly type?: unknown;
    readonly deliveryMode?: unknown;
    readonly headers?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** The broker without our own library between: sends what that would never send, and looks into queues. */
export class RawBroker {
  /** The broker user of the URL. */
  readonly user: string;
  readonly #connection: ChannelModel;
  #channel: ConfirmChannel;
  #closedBy: unknown;

  private constructor(user: string, connection: ChannelModel, channel: ConfirmChannel) {
    this.user = user;
    this.#connection = connection;
    this.#channel = channel;
  }

  static async connect(url: string): Promise<RawBroker> {
    const connection = await amqp.connect(url, { noDelay: true });
    connection.on('error', () => undefined);
    const broker = new RawBroker(
      decodeURIComponent(new URL(url).username),
      connection,
      await connection.createConfirmChannel(),
    );
    broker.#watch();
    return broker;
  }

  /** Resolves when the broker has the message. @throws Error when it refuses it, or closes the channel over it */
  publish(exchange: string, key: string, body: Buffer, options: Options.Publish = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#channel.publish(exchange, key, body, options, (error: unknown) => {
        if (error === null || error === undefined) resolve();
        // the answer only says that the channel is closed; the broker's own words come with an event
        else setImmediate(() => reject(this.#closedBy ?? error));
      });
    });
  }

  /** Takes the next message of a queue out of it. */
  async take(queue: string): Promise<RawMessage | undefined> {
    const message = await this.#channel.get(queue, { noAck: true });
    return message === false ? undefined : { body: message.content, properties: message.properties };
  }

  /** Messages that wait in a queue; those in somebody's hands do not count. */
  async ready(queue: string): Promise<number> {
    return (await this.#channel.checkQueue(queue)).messageCount;
  }

  /** After the broker closed the channel. */
  async reopen(): Promise<void> {
    this.#channel = await this.#connection.createConfirmChannel();
    this.#watch();
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #watch(): void {
    this.#closedBy = undefined;
    this.#channel.on('error', (error: unknown) => {
      this.#closedBy = error;
    });
  }
}
