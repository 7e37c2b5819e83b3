const HEADER_BYTES = 7;
const PROTOCOL_HEADER_BYTES = 8;
const PROTOCOL_HEADER_START = 0x41;
const FRAME_END = 0xce;
const METHOD_FRAME = 1;
/** Far above any negotiated frame size; a stream that claims more is not AMQP. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** `<class id>.<method id>` of the methods that tests care about (AMQP 0-9-1, and RabbitMQ's confirms). */
export const AMQP_METHOD = {
  connectionOpen: '10.40',
  connectionClose: '10.50',
  channelOpen: '20.10',
  channelClose: '20.40',
  channelCloseOk: '20.41',
  exchangeDeclare: '40.10',
  queueDeclare: '50.10',
  queueBind: '50.20',
  basicQos: '60.10',
  basicConsume: '60.20',
  basicConsumeOk: '60.21',
  basicCancel: '60.30',
  basicCancelOk: '60.31',
  basicPublish: '60.40',
  basicReturn: '60.50',
  basicDeliver: '60.60',
  basicAck: '60.80',
  basicReject: '60.90',
  basicNack: '60.120',
  confirmSelect: '85.10',
} as const;

export interface AmqpFrame {
  kind: 'protocol_header' | 'method' | 'header' | 'body' | 'heartbeat' | 'other';
  channel: number;
  /** Set on method frames: compare with `AMQP_METHOD`. */
  method: string | undefined;
  /** The whole frame as sent. */
  bytes: Buffer;
}

const KINDS: Record<number, AmqpFrame['kind']> = { 1: 'method', 2: 'header', 3: 'body', 8: 'heartbeat' };

/** Cuts one direction of an AMQP 0-9-1 connection into frames, however the bytes arrive. */
export class AmqpFrameSplitter {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames completed by `chunk`. Throws when the stream is not AMQP. */
  push(chunk: Buffer): AmqpFrame[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const frames: AmqpFrame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  /** Takes out what has arrived of an unfinished frame. */
  takeRest(): Buffer {
    return this.#take(this.#rest.length);
  }

  #next(): AmqpFrame | undefined {
    if (this.#rest[0] === PROTOCOL_HEADER_START) return this.#protocolHeader();
    if (this.#rest.length < HEADER_BYTES) return undefined;
    const total = HEADER_BYTES + this.#rest.readUInt32BE(3) + 1;
    if (total > MAX_FRAME_BYTES) throw new Error('This stream is not AMQP 0-9-1: impossible frame size.');
    if (this.#rest.length < total) return undefined;
    const bytes = this.#take(total);
    if (bytes[total - 1] !== FRAME_END)
      throw new Error('This stream is not AMQP 0-9-1: a frame does not end as it should.');
    const isMethod = bytes[0] === METHOD_FRAME;
    return {
      kind: KINDS[bytes[0] ?? 0] ?? 'other',
      channel: bytes.readUInt16BE(1),
      method: isMethod ? `${bytes.readUInt16BE(HEADER_BYTES)}.${bytes.readUInt16BE(HEADER_BYTES + 2)}` : undefined,
      bytes,
    };
  }

  #protocolHeader(): AmqpFrame | undefined {
    if (this.#rest.length < PROTOCOL_HEADER_BYTES) return undefined;
    return { kind: 'protocol_header', channel: 0, method: undefined, bytes: this.#take(PROTOCOL_HEADER_BYTES) };
  }

  #take(count: number): Buffer {
    const bytes = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return bytes;
  }
}
