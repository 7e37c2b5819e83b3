import { FRAME_END, FRAME_HEAD_BYTES, TWO_32 } from './frame_constants.ts';

const SLAB_BYTES = 64 * 1024;
const MAX_SHORT_BYTES = 255;
/** UTF-8 takes at most so many bytes per UTF-16 unit. */
export const MAX_UNIT_BYTES = 3;
const INT32 = 0x8000_0000;

/**
 * Writes AMQP's data types one behind the other into memory that is cut off in pieces as they are sent. A piece that was
 * cut off is not written again before `reuse`, since the socket may still hold it.
 */
export class FrameBuffer {
  #bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #at = 0;
  #begin = 0;

  /** Bytes written and not cut off yet. */
  get length(): number {
    return this.#at - this.#begin;
  }

  /** Where the next byte goes; for `patch`. */
  get position(): number {
    return this.#at;
  }

  /** Makes room for so many bytes. Must be called before what follows; positions of before are void. */
  reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const kept = this.#bytes.subarray(this.#begin, this.#at);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, kept.length + bytes));
    this.#at = kept.copy(this.#bytes);
    this.#begin = 0;
  }

  /** What was written since the last cut. */
  cut(): Buffer {
    const piece = this.#bytes.subarray(this.#begin, this.#at);
    this.#begin = this.#at;
    return piece;
  }

  /** Nobody holds a piece any more: the memory serves again from its beginning. Fresh memory costs more than what is written into it. */
  reuse(): void {
    this.#at = 0;
    this.#begin = 0;
  }

  /** Forgets what was written since `position`. */
  rewind(position: number): void {
    this.#at = position;
  }

  octet(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  short(value: number): void {
    const { position: at } = this;
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    this.#at = at + 2;
  }

  long(value: number): void {
    this.patchLong(this.#at, value);
    this.#at += 4;
  }

  /** A whole number below 2^53. */
  longLong(value: number): void {
    this.long(Math.floor(value / TWO_32));
    this.long(value >>> 0);
  }

  patchLong(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  patchShort(at: number, value: number): void {
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
  }

  /** @throws RangeError above 255 bytes */
  shortString(text: string): void {
    const at = this.#at;
    const length = this.#text(text, at + 1);
    if (length > MAX_SHORT_BYTES) throw new RangeError(`a short string of AMQP has ${length} bytes`);
    this.#bytes[at] = length;
    this.#at = at + 1 + length;
  }

  longString(text: string): void {
    const at = this.#at;
    const length = this.#text(text, at + 4);
    this.patchLong(at, length);
    this.#at = at + 4 + length;
  }

  /** A whole number in a table. */
  tableInteger(value: number): void {
    if (value >= -INT32 && value < INT32) {
      this.octet(0x49);
      this.long(value);
    } else {
      this.octet(0x6c);
      this.longLong(value);
    }
  }

  bytes(source: Uint8Array): void {
    this.#bytes.set(source, this.#at);
    this.#at += source.length;
  }

  /** The head of a frame, without its size. Returns where the size goes. */
  beginFrame(type: number, channel: number): number {
    this.octet(type);
    this.short(channel);
    const at = this.#at;
    this.#at = at + 4;
    return at;
  }

  endFrame(sizeAt: number): void {
    this.patchLong(sizeAt, this.#at - sizeAt - (FRAME_HEAD_BYTES - 3));
    this.#bytes[this.#at++] = FRAME_END;
  }

  /** A loop is faster than the call into the engine for what properties usually are: a few dozen ASCII characters. */
  #text(text: string, at: number): number {
    const bytes = this.#bytes;
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return bytes.write(text, at, 'utf8');
      bytes[at + i] = code;
    }
    return length;
  }
}
