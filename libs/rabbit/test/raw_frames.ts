import { BASIC_CLASS, FRAME_END, FRAME_HEAD_BYTES } from '../src/frames/frame_constants.ts';

/** A frame on channel 1 as bytes; its length is that of the payload unless said. */
export function frame(type: number, payload: Buffer, size = payload.length): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt8(type);
  head.writeUInt16BE(1, 1);
  head.writeUInt32BE(size, 3);
  return Buffer.concat([head, payload, Buffer.from([FRAME_END])]);
}

/** The payload of a content header with these property flags, and behind them whatever is given. */
export function contentHeader(flags: number, bodyBytes = 0, properties: Buffer = Buffer.alloc(0)): Buffer {
  const payload = Buffer.alloc(14);
  payload.writeUInt16BE(BASIC_CLASS);
  payload.writeUInt32BE(bodyBytes, 8);
  payload.writeUInt16BE(flags, 12);
  return Buffer.concat([payload, properties]);
}

/** A field of a table as bytes, whatever its type and value: what no encoder would write. */
export const field = (name: string, type: string, value: readonly number[] | Buffer): Buffer =>
  Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from(type), Buffer.from(value)]);

/** A table of these fields, as the headers of a message are one. */
export function table(fields: readonly Buffer[]): Buffer {
  const content = Buffer.concat(fields);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

/** A field `deep` with so many tables inside of each other. */
export const tables = (depth: number): Buffer => nested('deep', 'F', depth, Buffer.from('\0F'));

/** A field `deep` with so many arrays inside of each other. */
export const arrays = (depth: number): Buffer => nested('deep', 'A', depth, Buffer.from('A'));

/** Every level is the head of an item, its length, and the next level. */
function nested(name: string, type: string, depth: number, head: Buffer): Buffer {
  const level = head.length + 4;
  const bytes = Buffer.alloc(4 + level * (depth - 1));
  for (let at = 0, i = 1; at < bytes.length; at += level, i++) {
    bytes.writeUInt32BE((depth - i) * level, at);
    head.copy(bytes, at + 4);
  }
  return field(name, type, bytes);
}
