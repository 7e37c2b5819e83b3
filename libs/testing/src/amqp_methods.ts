import { AMQP_METHOD, type AmqpFrame } from './amqp_frames.ts';

const METHOD_FRAME = 1;
const FRAME_END = 0xce;
const FRAME_HEADER_BYTES = 7;
/** Frame header, class id and method id. */
const ARGUMENTS_AT = 11;
const LONG_BYTES = 8;
const MULTIPLE = 1;
const GLOBAL = 1;

/** The method frame `<class id>.<method id>` (`AMQP_METHOD`) with these arguments. */
function methodFrame(channel: number, method: string, args: Buffer): Buffer {
  const [classId = 0, methodId = 0] = method.split('.').map(Number);
  const frame = Buffer.alloc(ARGUMENTS_AT + args.length + 1);
  frame.writeUInt8(METHOD_FRAME, 0);
  frame.writeUInt16BE(channel, 1);
  frame.writeUInt32BE(ARGUMENTS_AT - FRAME_HEADER_BYTES + args.length, 3);
  frame.writeUInt16BE(classId, FRAME_HEADER_BYTES);
  frame.writeUInt16BE(methodId, FRAME_HEADER_BYTES + 2);
  args.copy(frame, ARGUMENTS_AT);
  frame.writeUInt8(FRAME_END, frame.length - 1);
  return frame;
}

/** `basic.ack` of one delivery. For a tag that the broker does not know it closes the channel with 406. */
export function ackFrame(channel: number, deliveryTag: number): Buffer {
  const args = Buffer.alloc(LONG_BYTES + 1);
  args.writeBigUInt64BE(BigInt(deliveryTag));
  return methodFrame(channel, AMQP_METHOD.basicAck, args);
}

/** The delivery tag of a `basic.deliver`. */
export function deliveryTagOf({ bytes }: AmqpFrame): number {
  const consumerTagBytes = bytes.readUInt8(ARGUMENTS_AT);
  return Number(bytes.readBigUInt64BE(ARGUMENTS_AT + 1 + consumerTagBytes));
}

/** Whether the broker says of a `basic.deliver` that it gave the message out before. */
export function isRedelivered({ bytes }: AmqpFrame): boolean {
  const consumerTagBytes = bytes.readUInt8(ARGUMENTS_AT);
  return (bytes.readUInt8(ARGUMENTS_AT + 1 + consumerTagBytes + LONG_BYTES) & 1) !== 0;
}

/** The code and text of a `channel.close`: `406 PRECONDITION_FAILED - unknown delivery tag 7`. */
export function closeReasonOf({ bytes }: AmqpFrame): string {
  const textAt = ARGUMENTS_AT + 3;
  const text = bytes.toString('utf8', textAt, textAt + bytes.readUInt8(ARGUMENTS_AT + 2));
  return `${bytes.readUInt16BE(ARGUMENTS_AT)} ${text}`;
}

export interface Settlement {
  readonly deliveryTag: number;
  /** All deliveries up to this one. `basic.reject` has no such thing. */
  readonly multiple: boolean;
}

/** What a `basic.ack`, `basic.nack` or `basic.reject` settles; undefined for every other frame. */
export function settlementOf({ bytes, method }: AmqpFrame): Settlement | undefined {
  const isReject = method === AMQP_METHOD.basicReject;
  if (!isReject && method !== AMQP_METHOD.basicAck && method !== AMQP_METHOD.basicNack) return undefined;
  const deliveryTag = Number(bytes.readBigUInt64BE(ARGUMENTS_AT));
  return { deliveryTag, multiple: !isReject && (bytes.readUInt8(ARGUMENTS_AT + LONG_BYTES) & MULTIPLE) !== 0 };
}

/** What a `basic.qos` asks for. */
export function qosOf({ bytes }: AmqpFrame): { readonly prefetch: number; readonly global: boolean } {
  const prefetch = bytes.readUInt16BE(ARGUMENTS_AT + 4);
  return { prefetch, global: (bytes.readUInt8(ARGUMENTS_AT + 6) & GLOBAL) !== 0 };
}
