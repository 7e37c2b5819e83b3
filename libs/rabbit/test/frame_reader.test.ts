import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ChannelInternals, ConnectionInternals } from '../src/frames/amqp_internals.ts';
import { FRAME_BODY, FRAME_HEADER, PROPERTY } from '../src/frames/frame_constants.ts';
import { FrameReader } from '../src/frames/frame_reader.ts';
import { type DecodedFrame, type Delivered, decodeAll, defs, encodeDelivery, recvFrame } from './amqplib_codec.ts';
import { contentHeader, field, frame, table, tables } from './raw_frames.ts';

const TAGS = ['ctag-one', 'ctag-two'];

interface Taken {
  readonly tag: string;
  readonly fields: unknown;
  readonly properties: unknown;
  readonly body: string;
}

/** A connection of amqplib as far as the reader knows it, fed by hand. */
function connect(chunks: Buffer[]): {
  next: () => unknown;
  taken: Taken[];
  closed: string[];
  channel: ChannelInternals;
} {
  const taken: Taken[] = [];
  const closed: string[] = [];
  const consumer = (tag: string) => (message: { fields: unknown; properties: object; content: Buffer }) => {
    if (message.content.toString() === 'throw') throw new Error('a consumer that throws');
    taken.push({
      tag,
      fields: { ...(message.fields as object) },
      properties: defined(message.properties),
      body: message.content.toString('hex'),
    });
  };
  const channel: ChannelInternals = {
    ch: 1,
    sendMessage: () => undefined,
    accept: () => undefined,
    consumers: new Map(TAGS.map((tag) => [tag, consumer(tag)])),
    emit: () => undefined,
    closeWithError: (_id, reason) => closed.push(reason),
  };
  const connection: ConnectionInternals = {
    stream: {
      read: () => chunks.shift() ?? null,
      writableLength: 0,
      destroyed: false,
      writableEnded: false,
      write: () => true,
      cork: () => undefined,
      uncork: () => undefined,
      on: () => undefined,
    },
    frameMax: 131_072,
    maxFrameSize: 131_072,
    channels: [null, { channel }],
    sendMessage: () => undefined,
    accept: () => undefined,
    rest: Buffer.alloc(0),
    sentSinceLastCheck: false,
    recvSinceLastCheck: false,
    recvFrame,
  };
  const reader = new FrameReader(connection);
  reader.add(channel);
  return { next: () => reader.next(), taken, closed, channel };
}

const defined = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Cuts bytes at these places. */
function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  const chunks: Buffer[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    if (to > from) chunks.push(bytes.subarray(from, to));
    from = to;
  }
  return chunks;
}

/** Reads on while chunks come, as amqplib's loop does. */
function readAll(chunks: Buffer[]): { forAmqplib: DecodedFrame[]; taken: Taken[] } {
  const waiting: Buffer[] = [];
  const { next, taken } = connect(waiting);
  const forAmqplib: DecodedFrame[] = [];
  for (const chunk of chunks) {
    waiting.push(chunk);
    for (let frame = next(); frame !== false; frame = next()) forAmqplib.push(frame as DecodedFrame);
  }
  return { forAmqplib, taken };
}

const short = fc.string({ unit: 'binary', maxLength: 40 });
const header = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.maxSafeInteger(), fc.boolean());
const properties = fc.record(
  {
    contentType: short,
    headers: fc.dictionary(
      short.filter((name) => name !== '__proto__'),
      header,
      { maxKeys: 5, noNullPrototype: true },
    ),
    deliveryMode: fc.constantFrom(1, 2),
    priority: fc.integer({ min: 0, max: 255 }),
    correlationId: short,
    replyTo: short,
    expiration: short,
    messageId: short,
    timestamp: fc.nat(),
    type: short,
    userId: short,
    appId: short,
  },
  { requiredKeys: [] },
);
const delivered = fc.record({
  consumerTag: fc.constantFrom(...TAGS),
  deliveryTag: fc.maxSafeNat(),
  redelivered: fc.boolean(),
  exchange: short,
  routingKey: short,
});
const delivery = fc.record({
  kind: fc.constant('delivery' as const),
  fields: delivered,
  properties,
  body: fc.uint8Array({ maxLength: 300 }),
});
const other = fc.record({ kind: fc.constant('ack' as const), deliveryTag: fc.maxSafeNat(), multiple: fc.boolean() });

test('deliveries and other frames are read as amqplib reads them, wherever the bytes are cut', () => {
  const stream = fc.array(fc.oneof({ arbitrary: delivery, weight: 3 }, other), { maxLength: 10 });
  fc.assert(
    fc.property(stream, fc.array(fc.nat(5_000), { maxLength: 30 }), (parts, cuts) => {
      const bytes = Buffer.concat(
        parts.map((part) =>
          part.kind === 'ack'
            ? defs.encodeMethod(defs.BasicAck, 1, part)
            : encodeDelivery(1, part.fields, part.properties, Buffer.from(part.body)),
        ),
      );
      const { forAmqplib, taken } = readAll(cutAt(bytes, cuts));
      const acks = parts.filter((part) => part.kind === 'ack');
      expect(forAmqplib.map(({ fields }) => fields)).toEqual(
        acks.map(({ deliveryTag, multiple }) => ({ deliveryTag, multiple })),
      );
      const deliveries = parts.filter((part) => part.kind === 'delivery');
      expect(taken).toEqual(
        deliveries.map(({ fields, properties: sent, body }) => ({
          tag: fields.consumerTag,
          fields,
          properties: sent,
          body: Buffer.from(body).toString('hex'),
        })),
      );
    }),
    { numRuns: 500 },
  );
});

const FIELDS: Delivered = {
  consumerTag: 'ctag-one',
  deliveryTag: 1,
  redelivered: false,
  exchange: 'e',
  routingKey: 'k',
};

test.each([
  ['an unknown consumer', encodeDelivery(1, { ...FIELDS, consumerTag: 'nobody' }, {}, Buffer.from('x'))],
  ['an unknown channel', encodeDelivery(2, FIELDS, {}, Buffer.from('x'))],
  ['a body above 64 KiB', encodeDelivery(1, FIELDS, {}, Buffer.alloc(70_000))],
])('a message with %s is left to amqplib, frame by frame', (_what, bytes) => {
  const { forAmqplib, taken } = readAll(cutAt(bytes, [3, 40, 90]));
  expect(taken).toEqual([]);
  expect(forAmqplib).toEqual(decodeAll(bytes));
});

/** A delivery with the bytes of its headers as they are given. */
function deliveryWith(headers: Buffer, body: Buffer): Buffer {
  const method = defs.encodeMethod(defs.BasicDeliver, 1, FIELDS);
  const header = frame(FRAME_HEADER, contentHeader(PROPERTY.headers, body.length, headers));
  return Buffer.concat([method, header, frame(FRAME_BODY, body)]);
}

test.each([
  ['a small', 10],
  ['a large', 70_000],
])('tables inside of tables are no danger to who reads %s message', (_size, bytes) => {
  const whole = deliveryWith(table([field('known', 't', [1]), tables(20_000)]), Buffer.alloc(bytes, 1));
  const { forAmqplib, taken } = readAll(cutAt(whole, [3, 40, 90, 60_000, 130_000]));
  const [properties] = bytes < 65_536 ? taken.map((message) => message.properties) : [forAmqplib[1]?.fields];
  expect(properties).toMatchObject({ headers: { known: true } });
});

test('a content header that is larger than allowed is refused before it is there', () => {
  const whole = deliveryWith(table([tables(40_000)]), Buffer.from('x'));
  expect(whole.length).toBeGreaterThan(131_072);
  expect(() => readAll([whole.subarray(0, 200)])).toThrow(/exceeds maxFrameSize/);
});

test('a channel or connection that is closing gets its frames through amqplib', () => {
  const chunks = [encodeDelivery(1, FIELDS, {}, Buffer.from('x'))];
  const { next, taken, channel } = connect(chunks);
  Object.assign(channel, { accept: () => undefined });
  expect(next()).toMatchObject({ id: defs.BasicDeliver });
  expect(taken).toEqual([]);
});

test('a consumer that throws costs its channel, as it does with amqplib, and not the connection', () => {
  const { next, taken, closed } = connect([
    Buffer.concat([
      encodeDelivery(1, FIELDS, {}, Buffer.from('throw')),
      encodeDelivery(1, { ...FIELDS, deliveryTag: 2 }, {}, Buffer.from('fine')),
    ]),
  ]);
  expect(next()).toBe(false);
  expect(closed).toEqual(['Error while processing message']);
  expect(taken).toHaveLength(1);
});

test('a frame that is larger than allowed, or has no end, is amqplib’s to refuse', () => {
  const huge = Buffer.from([1, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0]);
  expect(() => readAll([huge])).toThrow(/exceeds maxFrameSize/);
  const broken = encodeDelivery(1, FIELDS, {}, Buffer.from('x'));
  broken[broken.length - 1] = 0;
  expect(() => readAll([broken])).toThrow(/Invalid frame/);
});
