import type { Options } from 'amqplib';
import { FrameBuffer, MAX_UNIT_BYTES } from './frame_buffer.ts';
import {
  BASIC_ACK,
  BASIC_CLASS,
  BASIC_NACK,
  BASIC_PUBLISH,
  BASIC_REJECT,
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_METHOD,
  FRAME_OVERHEAD_BYTES,
  PROPERTY,
} from './frame_constants.ts';

/** From here on a publisher is asked to wait for `drain`. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** A larger body is not copied. */
const MAX_COPIED_BODY_BYTES = 8 * 1024;
/** Heads, ends and fixed fields of the frames before the body. */
const FIXED_BYTES = 128;
/** Type octet, length of the name, length or number of the value. */
const TABLE_ENTRY_BYTES = 16;
const ACK_FRAME_BYTES = 21;
const TABLE_TEXT = 0x53;
const NACK_REQUEUE = 2;
const MANDATORY = 1;
const PERSISTENT = 2;

/** What the writer needs of a socket. */
export interface FrameSink {
  readonly writableLength: number;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  write(bytes: Buffer): boolean;
  cork(): void;
  uncork(): void;
  on(event: 'drain', listener: () => void): unknown;
}

/** One message to publish, as amqplib takes it. */
export interface Publish {
  readonly exchange: string;
  readonly key: string;
  readonly body: Buffer;
  readonly options: Options.Publish;
}

/**
 * Writes the frames that carry the load (publish, ack, nack, reject) straight to the socket, all of one turn of the event
 * loop in one write. amqplib makes several buffers per message and sends each through two streams.
 */
export class FrameWriter {
  readonly #socket: FrameSink;
  readonly #maxBodyBytes: number;
  readonly #buffer = new FrameBuffer();
  readonly #flush = (): void => this.flush();
  readonly #onSent: () => void;
  readonly #onDrain: () => void;
  /** Pieces of this turn in front of the buffer: large bodies and what went before them. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #scheduled = false;
  #full = false;

  /** `onSent`: bytes left, which counts as a heartbeat. `onDrain`: publishers may go on. */
  constructor(socket: FrameSink, frameMax: number, on: { readonly sent: () => void; readonly drain: () => void }) {
    this.#socket = socket;
    this.#maxBodyBytes = (frameMax > 0 ? frameMax : Number.MAX_SAFE_INTEGER) - FRAME_OVERHEAD_BYTES;
    this.#onSent = on.sent;
    this.#onDrain = on.drain;
    socket.on('drain', () => this.#drained());
  }

  /**
   * False when the publisher should wait for `drain`; the message is sent all the same.
   * @throws RangeError for a short string above 255 bytes; then nothing of the message is sent
   */
  publish(channel: number, { exchange, key, body, options }: Publish): boolean {
    const buffer = this.#buffer;
    buffer.reserve(roomFor(exchange, key, options) + Math.min(body.length, MAX_COPIED_BODY_BYTES));
    const before = buffer.position;
    try {
      this.#method(channel, exchange, key, options.mandatory === true);
      this.#header(channel, body.length, options);
    } catch (cause) {
      buffer.rewind(before);
      throw cause;
    }
    this.#body(channel, body);
    this.#schedule();
    const waiting = buffer.length + this.#pieceBytes + this.#socket.writableLength;
    if (waiting < HIGH_WATER_BYTES) return true;
    this.#full = true;
    return false;
  }

  ack(channel: number, tag: number, multiple: boolean): void {
    this.#settle(channel, BASIC_ACK, tag, multiple ? 1 : 0);
  }

  nack(channel: number, tag: number): void {
    this.#settle(channel, BASIC_NACK, tag, NACK_REQUEUE);
  }

  reject(channel: number, tag: number): void {
    this.#settle(channel, BASIC_REJECT, tag, 1);
  }

  /** Sends what was written in this turn. */
  flush(): void {
    this.#scheduled = false;
    const socket = this.#socket;
    const last = this.#buffer.length > 0 ? this.#buffer.cut() : undefined;
    if (socket.destroyed || socket.writableEnded) return this.#forget();
    this.#onSent();
    if (this.#pieceBytes > 0) {
      socket.cork();
      for (const piece of this.#pieces) socket.write(piece);
      if (last !== undefined) socket.write(last);
      socket.uncork();
      this.#forget();
    } else if (last !== undefined) {
      socket.write(last);
    }
    // the kernel has taken everything
    if (socket.writableLength === 0) this.#buffer.reuse();
  }

  #forget(): void {
    this.#pieces = [];
    this.#pieceBytes = 0;
  }

  #drained(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#onDrain();
  }

  /** After the microtasks of this turn, so that everything that one incoming packet caused leaves together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flush);
  }

  #settle(channel: number, method: number, tag: number, bits: number): void {
    const buffer = this.#buffer;
    buffer.reserve(ACK_FRAME_BYTES);
    const size = buffer.beginFrame(FRAME_METHOD, channel);
    buffer.long(method);
    buffer.longLong(tag);
    buffer.octet(bits);
    buffer.endFrame(size);
    this.#schedule();
  }

  #method(channel: number, exchange: string, key: string, mandatory: boolean): void {
    const buffer = this.#buffer;
    const size = buffer.beginFrame(FRAME_METHOD, channel);
    buffer.long(BASIC_PUBLISH);
    buffer.short(0);
    buffer.shortString(exchange);
    buffer.shortString(key);
    buffer.octet(mandatory ? MANDATORY : 0);
    buffer.endFrame(size);
  }

  #header(channel: number, bodyBytes: number, options: Options.Publish): void {
    const buffer = this.#buffer;
    const size = buffer.beginFrame(FRAME_HEADER, channel);
    buffer.short(BASIC_CLASS);
    buffer.short(0);
    buffer.longLong(bodyBytes);
    const flagsAt = buffer.position;
    buffer.short(0);
    buffer.patchShort(flagsAt, this.#properties(options));
    buffer.endFrame(size);
  }

  /** In the order of their bits. */
  #properties(options: Options.Publish): number {
    const { persistent, timestamp, expiration } = options;
    const headers = tableOf(options);
    let flags = this.#optional(options.contentType, PROPERTY.contentType);
    if (headers !== undefined) {
      this.#table(headers);
      flags |= PROPERTY.headers;
    }
    if (persistent !== undefined) {
      this.#buffer.octet(persistent ? PERSISTENT : 1);
      flags |= PROPERTY.deliveryMode;
    }
    flags |= this.#optional(options.correlationId, PROPERTY.correlationId);
    flags |= this.#optional(options.replyTo, PROPERTY.replyTo);
    flags |= this.#optional(expiration === undefined ? undefined : String(expiration), PROPERTY.expiration);
    flags |= this.#optional(options.messageId, PROPERTY.messageId);
    if (timestamp !== undefined) {
      this.#buffer.longLong(timestamp);
      flags |= PROPERTY.timestamp;
    }
    flags |= this.#optional(options.type, PROPERTY.type);
    flags |= this.#optional(options.userId, PROPERTY.userId);
    return flags | this.#optional(options.appId, PROPERTY.appId);
  }

  #optional(text: string | undefined, flag: number): number {
    if (text === undefined) return 0;
    this.#buffer.shortString(text);
    return flag;
  }

  #table(headers: Table): void {
    const buffer = this.#buffer;
    const at = buffer.position;
    buffer.long(0);
    for (const name in headers) {
      const value = headers[name];
      if (value === undefined) continue;
      buffer.shortString(name);
      if (typeof value === 'string') {
        buffer.octet(TABLE_TEXT);
        buffer.longString(value);
      } else {
        buffer.tableInteger(Number(value));
      }
    }
    buffer.patchLong(at, buffer.position - at - 4);
  }

  #body(channel: number, body: Buffer): void {
    if (body.length <= MAX_COPIED_BODY_BYTES && body.length <= this.#maxBodyBytes) {
      if (body.length > 0) this.#bodyFrame(channel, body, true);
      return;
    }
    for (let at = 0; at < body.length; at += this.#maxBodyBytes)
      this.#bodyFrame(channel, body.subarray(at, at + this.#maxBodyBytes), false);
  }

  #bodyFrame(channel: number, body: Buffer, copied: boolean): void {
    const buffer = this.#buffer;
    if (copied) {
      const size = buffer.beginFrame(FRAME_BODY, channel);
      buffer.bytes(body);
      buffer.endFrame(size);
      return;
    }
    buffer.reserve(FRAME_OVERHEAD_BYTES);
    const size = buffer.beginFrame(FRAME_BODY, channel);
    buffer.patchLong(size, body.length);
    this.#piece(buffer.cut());
    this.#piece(body);
    buffer.octet(0xce);
  }

  #piece(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
  }
}

/** Whether the writer can write these; a few exotic options and header types are left to amqplib. */
export function canWrite(options: Options.Publish): boolean {
  const { CC, BCC, priority, contentEncoding, deliveryMode } = options;
  if (CC !== undefined || BCC !== undefined || priority !== undefined) return false;
  if (contentEncoding !== undefined || deliveryMode !== undefined) return false;
  const table = tableOf(options);
  for (const name in table) {
    const value = table[name];
    if (typeof value !== 'string' && value !== undefined && !Number.isSafeInteger(value)) return false;
  }
  return true;
}

type Table = Readonly<Record<string, unknown>>;

function tableOf(options: Options.Publish): Table | undefined {
  const headers: unknown = options.headers;
  return isTable(headers) ? headers : undefined;
}

const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null;

/** An upper bound, so that nothing has to be checked while writing. */
function roomFor(exchange: string, key: string, options: Options.Publish): number {
  let units = exchange.length + key.length;
  units += length(options.contentType) + length(options.correlationId) + length(options.replyTo);
  units += length(options.messageId) + length(options.type) + length(options.userId) + length(options.appId);
  let fixed = FIXED_BYTES;
  const table = tableOf(options);
  for (const name in table) {
    const value = table[name];
    units += name.length + (typeof value === 'string' ? value.length : 0);
    fixed += TABLE_ENTRY_BYTES;
  }
  return fixed + units * MAX_UNIT_BYTES;
}

const length = (text: string | undefined): number => (text === undefined ? 0 : text.length);
