import { createRequire } from 'node:module';
import path from 'node:path';
import type { BasicProperties } from '../src/frames/basic_properties.ts';

type Method =
  | `Connection${'Start' | 'StartOk' | 'Tune' | 'Open' | 'OpenOk' | 'Close' | 'CloseOk'}`
  | `Channel${'Open' | 'OpenOk' | 'Close' | 'CloseOk'}`
  | `Queue${'Declare' | 'DeclareOk' | 'Bind' | 'BindOk'}`
  | `Basic${'Publish' | 'Qos' | 'QosOk' | 'Consume' | 'ConsumeOk' | 'Cancel' | 'CancelOk' | 'Deliver' | 'Ack' | 'Properties'}`;

/** amqplib's own encoder and decoder, which it does not export: what the fast frames write and read is held against them. */
interface Defs extends Readonly<Record<Method, number>> {
  encodeMethod(id: number, channel: number, fields: object): Buffer;
  encodeProperties(id: number, channel: number, size: number, fields: object): Buffer;
}

interface ParsedFrame {
  readonly rest: Buffer;
}

export interface DecodedFrame {
  readonly id?: number;
  readonly channel: number;
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly size?: number;
  readonly content?: Buffer;
}

interface Frames {
  parseFrame(bytes: Buffer, max: number): ParsedFrame | false;
  decodeFrame(frame: ParsedFrame): DecodedFrame;
  makeBodyFrame(channel: number, payload: Buffer): Buffer;
}

interface Connections {
  readonly Connection: { readonly prototype: { readonly recvFrame: (this: object) => unknown } };
}

const require = createRequire(import.meta.url);
const lib = path.join(path.dirname(require.resolve('amqplib')), 'lib');

const { defs, frames, recvFrame } = load();

export { defs, frames, recvFrame };

function load(): { defs: Defs; frames: Frames; recvFrame: (this: object) => unknown } {
  const loaded = {
    defs: require(path.join(lib, 'defs.js')) as Defs,
    frames: require(path.join(lib, 'frame.js')) as Frames,
    connections: require(path.join(lib, 'connection.js')) as Connections,
  };
  return { defs: loaded.defs, frames: loaded.frames, recvFrame: loaded.connections.Connection.prototype.recvFrame };
}

/** Every frame in these bytes, as amqplib understands them. */
export function decodeAll(bytes: Buffer): DecodedFrame[] {
  const decoded: DecodedFrame[] = [];
  let rest = bytes;
  for (let frame = frames.parseFrame(rest, 0); frame !== false; frame = frames.parseFrame(rest, 0)) {
    decoded.push(frames.decodeFrame(frame));
    rest = frame.rest;
  }
  if (rest.length > 0) throw new Error(`${rest.length} bytes are no frame`);
  return decoded;
}

export interface Delivered {
  readonly consumerTag: string;
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  readonly exchange: string;
  readonly routingKey: string;
}

/** A message as a broker sends it. */
export function encodeDelivery(
  channel: number,
  fields: Delivered,
  properties: Partial<BasicProperties>,
  body: Buffer,
): Buffer {
  const parts = [
    defs.encodeMethod(defs.BasicDeliver, channel, fields),
    defs.encodeProperties(defs.BasicProperties, channel, body.length, properties),
  ];
  if (body.length > 0) parts.push(frames.makeBodyFrame(channel, body));
  return Buffer.concat(parts);
}
