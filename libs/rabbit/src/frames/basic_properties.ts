import { PROPERTY, TWO_32 } from './frame_constants.ts';
import { RecentTexts } from './recent_texts.ts';

/** The properties of a received message; every field is there, so that all of them have one shape. */
export class BasicProperties {
  contentType: string | undefined = undefined;
  contentEncoding: string | undefined = undefined;
  headers: Record<string, unknown> | undefined = undefined;
  deliveryMode: number | undefined = undefined;
  priority: number | undefined = undefined;
  correlationId: string | undefined = undefined;
  replyTo: string | undefined = undefined;
  expiration: string | undefined = undefined;
  messageId: string | undefined = undefined;
  timestamp: number | undefined = undefined;
  type: string | undefined = undefined;
  userId: string | undefined = undefined;
  appId: string | undefined = undefined;
  clusterId: string | undefined = undefined;
}

const TYPE_TEXT = 0x53;
const TYPE_INT8 = 0x62;
const TYPE_INT16 = 0x73;
const TYPE_INT32 = 0x49;
const TYPE_INT64 = 0x6c;
const TYPE_BOOLEAN = 0x74;

/** Reads AMQP's data types one behind the other. Whoever reads past the end gets `broken`. */
export class PropertyReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #broken = false;
  readonly #recent = new RecentTexts();

  /** Begins at the property flags of a content header. */
  begin(bytes: Buffer, at: number, end: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#broken = false;
  }

  /** Undefined for what is better left to amqplib: types that we do not write, or a broken frame. */
  read(): BasicProperties | undefined {
    const flags = this.#short();
    if ((flags & PROPERTY.more) !== 0) return undefined;
    const found = new BasicProperties();
    if ((flags & PROPERTY.contentType) !== 0) found.contentType = this.knownString();
    if ((flags & PROPERTY.contentEncoding) !== 0) found.contentEncoding = this.knownString();
    if ((flags & PROPERTY.headers) !== 0) found.headers = this.#table();
    if ((flags & PROPERTY.deliveryMode) !== 0) found.deliveryMode = this.#octet();
    if ((flags & PROPERTY.priority) !== 0) found.priority = this.#octet();
    this.#identity(flags, found);
    return this.#broken || this.#at !== this.#end ? undefined : found;
  }

  shortString(): string {
    const length = this.#octet();
    return this.#text(length);
  }

  /** A short string that is likely to have come before. */
  knownString(): string {
    const length = this.#octet();
    const from = this.#at;
    return this.#skip(length) ? this.#recent.decode(this.#bytes, from, this.#at) : '';
  }

  #identity(flags: number, found: BasicProperties): void {
    if ((flags & PROPERTY.correlationId) !== 0) found.correlationId = this.shortString();
    if ((flags & PROPERTY.replyTo) !== 0) found.replyTo = this.knownString();
    if ((flags & PROPERTY.expiration) !== 0) found.expiration = this.shortString();
    if ((flags & PROPERTY.messageId) !== 0) found.messageId = this.shortString();
    if ((flags & PROPERTY.timestamp) !== 0) found.timestamp = this.#longLong();
    if ((flags & PROPERTY.type) !== 0) found.type = this.knownString();
    if ((flags & PROPERTY.userId) !== 0) found.userId = this.knownString();
    if ((flags & PROPERTY.appId) !== 0) found.appId = this.knownString();
    if ((flags & PROPERTY.clusterId) !== 0) found.clusterId = this.shortString();
  }

  #table(): Record<string, unknown> {
    const end = this.#long() + this.#at;
    const table: Record<string, unknown> = {};
    while (this.#at < end && !this.#broken) {
      const name = this.knownString();
      // a plain assignment would set the prototype
      if (name === '__proto__') this.#broken = true;
      else table[name] = this.#value();
    }
    if (this.#at !== end) this.#broken = true;
    return table;
  }

  #value(): unknown {
    switch (this.#octet()) {
      case TYPE_TEXT:
        return this.#text(this.#long());
      case TYPE_INT8:
        return (this.#octet() << 24) >> 24;
      case TYPE_INT16:
        return (this.#short() << 16) >> 16;
      case TYPE_INT32:
        return this.#long() | 0;
      case TYPE_INT64:
        return this.#longLong();
      case TYPE_BOOLEAN:
        return this.#octet() !== 0;
      default:
        this.#broken = true;
        return undefined;
    }
  }

  #text(length: number): string {
    const from = this.#at;
    return this.#skip(length) ? this.#bytes.toString('utf8', from, this.#at) : '';
  }

  #skip(length: number): boolean {
    this.#at += length;
    if (this.#at <= this.#end) return true;
    this.#broken = true;
    return false;
  }

  #octet(): number {
    const value = this.#bytes[this.#at++];
    if (value !== undefined) return value;
    this.#broken = true;
    return 0;
  }

  #short(): number {
    return (this.#octet() << 8) | this.#octet();
  }

  #long(): number {
    return this.#short() * 0x1_0000 + this.#short();
  }

  /** Signed, like every number that RabbitMQ writes into a table. */
  #longLong(): number {
    const high = this.#long() | 0;
    return high * TWO_32 + this.#long();
  }
}
