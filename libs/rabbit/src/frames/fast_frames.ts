import type { Message, Options } from 'amqplib';
import type { BrokerChannel, BrokerConfirmChannel, BrokerConnection } from '../broker_port.ts';
import {
  type ChannelInternals,
  type ConnectionInternals,
  channelInternals,
  connectionInternals,
  isConfirmChannel,
} from './amqp_internals.ts';
import { FrameReader } from './frame_reader.ts';
import { canWrite, FrameWriter } from './frame_writer.ts';

const NO_OPTIONS: Options.Publish = Object.freeze({});

/**
 * The short way for the frames that carry the load. amqplib keeps the handshake, heartbeats, channels, declarations,
 * errors and everything else; publishes, settlements and deliveries are written and read here. See docs/decisions.
 */
export class FastFrames {
  readonly #connection: ConnectionInternals;
  readonly #writer: FrameWriter;
  readonly #reader: FrameReader;
  readonly #sendMessage: unknown;
  readonly #channels = new Set<ChannelInternals>();

  private constructor(connection: ConnectionInternals) {
    this.#connection = connection;
    this.#sendMessage = connection.sendMessage;
    this.#reader = new FrameReader(connection);
    this.#writer = new FrameWriter(connection.stream, connection.frameMax, {
      sent: () => {
        connection.sentSinceLastCheck = true;
      },
      drain: () => this.#drained(),
    });
    connection.recvFrame = () => this.#reader.next();
  }

  /** Undefined where amqplib is not as it was: then it goes its own way. */
  static attach(model: BrokerConnection): FastFrames | undefined {
    const connection = connectionInternals(model.connection);
    return connection === undefined ? undefined : new FastFrames(connection);
  }

  /** Gives one open channel the short way. Its methods stay what they are to their callers. */
  speedUp(channel: BrokerChannel): void {
    const internals = channelInternals(channel);
    if (internals === undefined) return;
    this.#reader.add(internals);
    this.#channels.add(internals);
    channel.once('close', () => this.#channels.delete(internals));
    const way: ChannelWay = { isOpen: this.#isOpen(internals), allSlow: false };
    this.#settlements(channel, internals, way);
    this.#publishing(channel, internals, way);
  }

  #settlements(channel: BrokerChannel, internals: ChannelInternals, way: ChannelWay): void {
    const writer = this.#writer;
    const isShort = (): boolean => !way.allSlow && way.isOpen();
    const slow = {
      ack: channel.ack.bind(channel),
      nack: channel.nack.bind(channel),
      reject: channel.reject.bind(channel),
    };
    const tagOf = (message: Pick<Message, 'fields'>): number => message.fields.deliveryTag;
    // on a channel that is closing amqplib throws, as its callers expect
    channel.ack = (message, allUpTo) =>
      isShort() ? writer.ack(internals.ch, tagOf(message), allUpTo === true) : slow.ack(message, allUpTo);
    channel.nack = (message, allUpTo, requeue) =>
      isShort() && allUpTo !== true && requeue !== false
        ? writer.nack(internals.ch, tagOf(message))
        : slow.nack(message, allUpTo, requeue);
    channel.reject = (message, requeue) =>
      isShort() && requeue !== false ? writer.reject(internals.ch, tagOf(message)) : slow.reject(message, requeue);
  }

  #publishing(channel: BrokerChannel, internals: ChannelInternals, way: ChannelWay): void {
    const slow: BrokerConfirmChannel['publish'] = channel.publish.bind(channel);
    const confirm = isConfirmChannel(internals) ? internals : undefined;
    const publish = (...message: Parameters<BrokerConfirmChannel['publish']>): boolean => {
      const [exchange, key, body, options = NO_OPTIONS, confirmed] = message;
      if (way.allSlow || !way.isOpen() || !canWrite(options)) {
        way.allSlow ||= way.isOpen();
        return slow(...message);
      }
      const writable = this.#writer.publish(internals.ch, { exchange, key, body, options });
      confirm?.pushConfirmCallback(confirmed);
      return writable;
    };
    channel.publish = publish;
  }

  #isOpen(internals: ChannelInternals): () => boolean {
    const connection = this.#connection;
    const { sendMessage } = internals;
    const ofConnection = this.#sendMessage;
    return () => internals.sendMessage === sendMessage && connection.sendMessage === ofConnection;
  }

  #drained(): void {
    for (const channel of this.#channels) channel.emit('drain');
  }
}

interface ChannelWay {
  readonly isOpen: () => boolean;
  /**
   * A message that takes the long way would be overtaken by the next one, while confirms are told apart by their order, and
   * a settlement could come between its frames.
   */
  allSlow: boolean;
}
