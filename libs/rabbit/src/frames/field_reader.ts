import { TWO_32 } from './frame_constants.ts';
import { RecentTexts } from './recent_texts.ts';

const TYPE_TEXT = 0x53;
const TYPE_BYTES = 0x78;
const TYPE_TABLE = 0x46;
const TYPE_ARRAY = 0x41;
const TYPE_INT8 = 0x62;
const TYPE_UINT8 = 0x42;
const TYPE_INT16 = 0x73;
const TYPE_UINT16 = 0x75;
const TYPE_INT32 = 0x49;
const TYPE_UINT32 = 0x69;
const TYPE_INT64 = 0x6c;
const TYPE_FLOAT = 0x66;
const TYPE_DOUBLE = 0x64;
const TYPE_DECIMAL = 0x44;
const TYPE_TIMESTAMP = 0x54;
const TYPE_BOOLEAN = 0x74;
const TYPE_VOID = 0x56;

/** Tables and arrays inside of each other; the deaths that a broker notes take four. */
const MAX_DEPTH = 8;

/** Reads AMQP's data types one behind the other. */
export class FieldReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #broken = false;
  readonly #recent = new RecentTexts();

  begin(bytes: Buffer, at: number, end: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#broken = false;
  }

  /** Whether all was read, and nothing beyond. */
  get complete(): boolean {
    return !this.#broken && this.#at === this.#end;
  }

  octet(): number {
    const value = this.#bytes[this.#at++];
    if (value !== undefined) return value;
    this.#broken = true;
    return 0;
  }

  short(): number {
    return (this.octet() << 8) | this.octet();
  }

  long(): number {
    return this.short() * 0x1_0000 + this.short();
  }

  /** Signed, like every number that RabbitMQ writes into a table. */
  longLong(): number {
    const high = this.long() | 0;
    return high * TWO_32 + this.long();
  }

  shortString(): string {
    const length = this.octet();
    return this.#text(length);
  }

  /** A short string that is likely to have come before. */
  knownString(): string {
    const length = this.octet();
    const from = this.#at;
    return this.#skip(length) ? this.#recent.decode(this.#bytes, from, this.#at) : '';
  }

  /**
   * A table as amqplib gives it. Its sender may be anybody: what is nested too deep is left out, and what cannot be read
   * takes the rest of the table with it. To fail here would end the connection, and the message would come again.
   */
  table(): Record<string, unknown> {
    const end = this.long() + this.#at;
    const whole = this.#end;
    if (end > whole) {
      this.#broken = true;
      return {};
    }
    this.#end = end;
    const table: Record<string, unknown> = {};
    this.#fields(table, end, MAX_DEPTH);
    this.#at = end;
    this.#end = whole;
    this.#broken = false;
    return table;
  }

  #fields(table: Record<string, unknown>, end: number, depth: number): void {
    while (this.#at < end) {
      const name = this.knownString();
      const value = this.#value(end, depth);
      if (!this.#within(end)) return;
      // a plain assignment would set the prototype
      if (name !== '__proto__' && value !== undefined) table[name] = value;
    }
  }

  #items(items: unknown[], end: number, depth: number): void {
    while (this.#at < end) {
      const value = this.#value(end, depth);
      if (!this.#within(end)) return;
      items.push(value);
    }
  }

  #within(end: number): boolean {
    if (this.#at > end) this.#broken = true;
    return !this.#broken;
  }

  #value(end: number, depth: number): unknown {
    const type = this.octet();
    switch (type) {
      case TYPE_TEXT:
        return this.#text(this.long());
      case TYPE_INT8:
        return (this.octet() << 24) >> 24;
      case TYPE_INT16:
        return (this.short() << 16) >> 16;
      case TYPE_INT32:
        return this.long() | 0;
      case TYPE_INT64:
        return this.longLong();
      case TYPE_BOOLEAN:
        return this.octet() !== 0;
      default:
        return this.#rareValue(type, end, depth);
    }
  }

  #rareValue(type: number, end: number, depth: number): unknown {
    switch (type) {
      case TYPE_TABLE:
        return this.#nested({}, end, depth);
      case TYPE_ARRAY:
        return this.#nested([], end, depth);
      case TYPE_TIMESTAMP:
        return { '!': 'timestamp', value: this.long() * TWO_32 + this.long() };
      case TYPE_DECIMAL:
        return { '!': 'decimal', value: { places: this.octet(), digits: this.long() } };
      case TYPE_VOID:
        return null;
      case TYPE_UINT8:
        return this.octet();
      case TYPE_UINT16:
        return this.short();
      case TYPE_UINT32:
        return this.long();
      default:
        return this.#rawValue(type);
    }
  }

  #rawValue(type: number): unknown {
    const length = type === TYPE_FLOAT ? 4 : type === TYPE_DOUBLE ? 8 : type === TYPE_BYTES ? this.long() : undefined;
    const from = this.#at;
    if (length === undefined || from + length > this.#end) {
      this.#broken = true;
      return undefined;
    }
    this.#at = from + length;
    if (type === TYPE_FLOAT) return this.#bytes.readFloatBE(from);
    return type === TYPE_DOUBLE ? this.#bytes.readDoubleBE(from) : this.#bytes.subarray(from, this.#at);
  }

  #nested(inner: Record<string, unknown> | unknown[], outerEnd: number, depth: number): unknown {
    const end = this.long() + this.#at;
    if (end > outerEnd) {
      this.#broken = true;
      return undefined;
    }
    if (depth === 1) {
      this.#at = end;
      return undefined;
    }
    if (Array.isArray(inner)) this.#items(inner, end, depth - 1);
    else this.#fields(inner, end, depth - 1);
    return inner;
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
}
