import type { ChannelInternals, ConnectionInternals } from './amqp_internals.ts';
import { type BasicProperties, readProperties } from './basic_properties.ts';
import { FieldReader } from './field_reader.ts';
import {
  BASIC_CLASS,
  BASIC_DELIVER,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_BYTES,
  FRAME_HEADER,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
  TWO_32,
} from './frame_constants.ts';

/** A larger body is collected by amqplib: waiting for all of it in one buffer would copy it again and again. */
const MAX_BODY_BYTES = 64 * 1024;
/** Class, weight and size of the body, before the property flags. */
const CONTENT_HEAD_BYTES = 12;
const METHOD_ID_BYTES = 4;
const FRAME_END_BYTES = 1;
const INTERNAL_ERROR = 541;

/** What comes next in the bytes that were read. */
const INCOMPLETE = 0;
const FOR_AMQPLIB = 1;
const TAKEN = 2;
type Next = typeof INCOMPLETE | typeof FOR_AMQPLIB | typeof TAKEN;

class DeliverFields {
  readonly consumerTag: string;
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;

  constructor(consumerTag: string, deliveryTag: number, redelivered: boolean, reader: FieldReader) {
    this.consumerTag = consumerTag;
    this.deliveryTag = deliveryTag;
    this.redelivered = redelivered;
    this.exchange = reader.knownString();
    this.routingKey = reader.knownString();
  }
}

/**
 * Takes whole deliveries out of what the socket read and hands them to their consumers; every other frame goes on to
 * amqplib. amqplib would make three frames, each with buffers of its own, and lead them through two event emitters.
 */
export class FrameReader {
  readonly #connection: ConnectionInternals;
  readonly #recvFrame: () => unknown;
  readonly #accept: unknown;
  readonly #known = new WeakMap<object, KnownChannel>();
  readonly #fields = new FieldReader();
  #bytes: Buffer;
  #at = 0;

  constructor(connection: ConnectionInternals) {
    this.#connection = connection;
    this.#recvFrame = connection.recvFrame.bind(connection);
    this.#accept = connection.accept;
    this.#bytes = connection.rest;
  }

  /** Deliveries on this channel are taken from now on. */
  add(channel: ChannelInternals): void {
    this.#known.set(channel, { channel, accept: channel.accept });
  }

  /** Takes the place of `Connection.recvFrame`: the next frame for amqplib, or false when there is none yet. */
  next(): unknown {
    const connection = this.#connection;
    for (;;) {
      const next = this.#look();
      if (next === FOR_AMQPLIB) return this.#header() ?? this.#handOver();
      if (next === INCOMPLETE && !this.#more()) {
        connection.rest = this.#bytes.subarray(this.#at);
        return false;
      }
    }
  }

  /** A content header as amqplib wants it. By itself it follows tables inside of tables until its stack is full. */
  #header(): ContentHeader | undefined {
    const bytes = this.#bytes;
    const at = this.#at;
    if (bytes[at] !== FRAME_HEADER || this.#short(at + FRAME_HEAD_BYTES) !== BASIC_CLASS) return undefined;
    const size = this.#long(at + 3);
    const end = at + FRAME_HEAD_BYTES + size;
    if (bytes[end] !== FRAME_END || this.#isTooLarge(size)) return undefined;
    this.#fields.begin(bytes, at + FRAME_HEAD_BYTES + CONTENT_HEAD_BYTES, end);
    const fields = readProperties(this.#fields);
    if (fields === undefined) return undefined;
    this.#at = end + FRAME_END_BYTES;
    return { id: BASIC_CLASS, channel: this.#short(at + 1), size: this.#bodySize(at), fields };
  }

  #handOver(): unknown {
    const connection = this.#connection;
    connection.rest = this.#bytes.subarray(this.#at);
    const frame = this.#recvFrame();
    this.#bytes = connection.rest;
    this.#at = 0;
    return frame;
  }

  #more(): boolean {
    const { stream } = this.#connection;
    const chunk: unknown = stream.read();
    if (!Buffer.isBuffer(chunk)) return false;
    this.#connection.recvSinceLastCheck = true;
    this.#bytes = this.#at === this.#bytes.length ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]);
    this.#at = 0;
    return true;
  }

  #look(): Next {
    const bytes = this.#bytes;
    const at = this.#at;
    const available = bytes.length - at;
    if (available < FRAME_OVERHEAD_BYTES) return INCOMPLETE;
    const size = this.#long(at + 3);
    if (this.#isTooLarge(size)) return FOR_AMQPLIB;
    if (available < size + FRAME_OVERHEAD_BYTES) return INCOMPLETE;
    if (bytes[at] !== FRAME_METHOD || this.#long(at + FRAME_HEAD_BYTES) !== BASIC_DELIVER) return FOR_AMQPLIB;
    return this.#message(at, at + FRAME_OVERHEAD_BYTES + size);
  }

  /** A delivery: its method frame ends where the frame of its properties begins. */
  #message(at: number, headerAt: number): Next {
    const bytes = this.#bytes;
    const number = this.#short(at + 1);
    const channel = this.#channel(number);
    if (channel === undefined || (bytes.length > headerAt && bytes[headerAt] !== FRAME_HEADER)) return FOR_AMQPLIB;
    const propertiesAt = headerAt + FRAME_HEAD_BYTES + CONTENT_HEAD_BYTES;
    if (bytes.length < propertiesAt) return INCOMPLETE;
    if (this.#short(headerAt + 1) !== number || !this.#isSmall(headerAt)) return FOR_AMQPLIB;
    const bodySize = this.#bodySize(headerAt);
    const bodyAt = headerAt + FRAME_OVERHEAD_BYTES + this.#long(headerAt + 3);
    const end = bodySize === 0 ? bodyAt : bodyAt + FRAME_OVERHEAD_BYTES + bodySize;
    if (bytes.length < end) return INCOMPLETE;
    const place = { at, number, headerAt, propertiesAt, bodyAt, bodySize, end };
    return this.#isWhole(place) ? this.#deliver(channel, place) : FOR_AMQPLIB;
  }

  /** Every frame ends with its end octet, and the body is one frame of the same channel. */
  #isWhole({ number, headerAt, bodyAt, bodySize, end }: Place): boolean {
    const bytes = this.#bytes;
    if (bytes[headerAt - 1] !== FRAME_END || bytes[bodyAt - 1] !== FRAME_END || bytes[end - 1] !== FRAME_END)
      return false;
    if (bodySize === 0) return true;
    return bytes[bodyAt] === FRAME_BODY && this.#short(bodyAt + 1) === number && this.#long(bodyAt + 3) === bodySize;
  }

  #deliver(channel: ChannelInternals, place: Place): Next {
    const bytes = this.#bytes;
    const reader = this.#fields;
    const tagAt = place.at + FRAME_HEAD_BYTES + METHOD_ID_BYTES;
    reader.begin(bytes, tagAt, place.headerAt - 1);
    const consumerTag = reader.knownString();
    const consumer = channel.consumers.get(consumerTag);
    if (consumer === undefined) return FOR_AMQPLIB;
    const numberAt = tagAt + 1 + (bytes[tagAt] ?? 0);
    const deliveryTag = this.#long(numberAt) * TWO_32 + this.#long(numberAt + 4);
    reader.begin(bytes, numberAt + 9, place.headerAt - 1);
    const fields = new DeliverFields(consumerTag, deliveryTag, bytes[numberAt + 8] === 1, reader);
    reader.begin(bytes, place.propertiesAt, place.bodyAt - 1);
    const properties = readProperties(reader);
    if (properties === undefined) return FOR_AMQPLIB;
    this.#at = place.end;
    const bodyFrom = place.end - (place.bodySize === 0 ? 0 : place.bodySize + 1);
    const content = bytes.subarray(bodyFrom, bodyFrom + place.bodySize);
    try {
      consumer({ content, fields, properties });
    } catch (cause) {
      // as amqplib does
      const error = cause instanceof Error ? cause : new Error(String(cause));
      channel.closeWithError(undefined, 'Error while processing message', INTERNAL_ERROR, error);
    }
    return TAKEN;
  }

  /** The channel of a number, unless it or the connection is closing: then amqplib decides what becomes of the frame. */
  #channel(number: number): ChannelInternals | undefined {
    if (this.#connection.accept !== this.#accept) return undefined;
    const channel = this.#connection.channels[number]?.channel;
    const known = channel === undefined ? undefined : this.#known.get(channel);
    return known !== undefined && known.channel.accept === known.accept ? known.channel : undefined;
  }

  /** amqplib refuses such a frame. To wait for its end would be to collect whatever comes. */
  #isTooLarge(size: number): boolean {
    const { maxFrameSize } = this.#connection;
    return maxFrameSize > 0 && size > maxFrameSize;
  }

  /** Whether the rest of a message with this content header is worth waiting for in one buffer. */
  #isSmall(headerAt: number): boolean {
    return this.#bodySize(headerAt) <= MAX_BODY_BYTES && !this.#isTooLarge(this.#long(headerAt + 3));
  }

  /** As the content header says that begins here. */
  #bodySize(at: number): number {
    return this.#long(at + 11) * TWO_32 + this.#long(at + 15);
  }

  #short(at: number): number {
    const bytes = this.#bytes;
    return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }

  #long(at: number): number {
    return this.#short(at) * 0x1_0000 + this.#short(at + 2);
  }
}

interface ContentHeader {
  readonly id: typeof BASIC_CLASS;
  readonly channel: number;
  readonly size: number;
  readonly fields: BasicProperties;
}

interface KnownChannel {
  readonly channel: ChannelInternals;
  /** What `channel.accept` is while the channel is open. */
  readonly accept: unknown;
}

interface Place {
  readonly at: number;
  readonly number: number;
  readonly headerAt: number;
  readonly propertiesAt: number;
  readonly bodyAt: number;
  readonly bodySize: number;
  readonly end: number;
}
