import type { Options } from 'amqplib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canWrite, type FrameSink, FrameWriter } from '../src/frames/frame_writer.ts';
import { type DecodedFrame, decodeAll } from './amqplib_codec.ts';

const FRAME_MAX = 4_096;

class Sink implements FrameSink {
  readonly writes: Buffer[] = [];
  /** As a socket that has not passed on what it was given. */
  readonly held: Buffer[] = [];
  holds = false;
  writableLength = 0;
  destroyed = false;
  readonly writableEnded = false;
  drain: () => void = () => undefined;

  write(bytes: Buffer): boolean {
    this.writes.push(Buffer.from(bytes));
    if (this.holds) {
      this.held.push(bytes);
      this.writableLength += bytes.length;
    }
    return true;
  }

  cork(): void {
    this.writableLength += 0;
  }

  uncork(): void {
    this.writableLength += 0;
  }

  on(_event: 'drain', listener: () => void): void {
    this.drain = listener;
  }
}

function open(): { sink: Sink; writer: FrameWriter; counts: { sent: number; drained: number } } {
  const sink = new Sink();
  const counts = { sent: 0, drained: 0 };
  const writer = new FrameWriter(sink, FRAME_MAX, { sent: () => counts.sent++, drain: () => counts.drained++ });
  return { sink, writer, counts };
}

/** As amqplib collects them: a method, its properties, its body. */
function messagesOf(frames: readonly DecodedFrame[]): { fields: unknown; properties: unknown; body: Buffer }[] {
  const messages: { fields: unknown; properties: unknown; body: Buffer; left: number }[] = [];
  for (const frame of frames) {
    const last = messages.at(-1);
    if (frame.content !== undefined && last !== undefined) {
      last.body = Buffer.concat([last.body, frame.content]);
      last.left -= frame.content.length;
    } else if (frame.size !== undefined && last !== undefined) {
      Object.assign(last, { properties: defined(frame.fields ?? {}), left: frame.size });
    } else {
      messages.push({ fields: frame.fields, properties: {}, body: Buffer.alloc(0), left: 0 });
    }
  }
  expect(messages.map(({ left }) => left)).toEqual(messages.map(() => 0));
  return messages.map(({ fields, properties, body }) => ({ fields, properties, body }));
}

/** After what was scheduled for the end of this turn. */
const endOfTurn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

const defined = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const short = fc.string({ unit: 'binary', maxLength: 60 });
const header = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.maxSafeInteger());
const headers = fc.dictionary(
  short.filter((name) => name !== '__proto__'),
  header,
  { maxKeys: 6, noNullPrototype: true },
);
const options = fc.record(
  {
    contentType: short,
    headers,
    persistent: fc.boolean(),
    correlationId: short,
    replyTo: short,
    expiration: fc.nat(),
    messageId: short,
    timestamp: fc.nat(),
    type: short,
    userId: short,
    appId: short,
    mandatory: fc.boolean(),
  },
  { requiredKeys: [] },
);
const body = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 3_900, maxLength: 9_500 }));

test('amqplib reads every message as it was published, in order, whatever its properties and its size', async () => {
  const message = fc.record({ exchange: short, key: short, options, body, channel: fc.integer({ min: 1, max: 9 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
      const { sink, writer } = open();
      for (const { channel, ...rest } of messages) {
        expect(canWrite(rest.options)).toBe(true);
        writer.publish(channel, { ...rest, body: Buffer.from(rest.body) });
      }
      await endOfTurn();
      const read = messagesOf(decodeAll(Buffer.concat(sink.writes)));
      expect(read).toEqual(
        messages.map(({ exchange, key, options: given, body: content }) => {
          const { mandatory, persistent, expiration, ...same } = given;
          const deliveryMode = persistent === undefined ? {} : { deliveryMode: persistent ? 2 : 1 };
          const expires = expiration === undefined ? {} : { expiration: String(expiration) };
          return {
            fields: { ticket: 0, exchange, routingKey: key, mandatory: mandatory === true, immediate: false },
            properties: { ...same, ...deliveryMode, ...expires },
            body: Buffer.from(content),
          };
        }),
      );
    }),
    { numRuns: 150 },
  );
});

test('memory that a socket still holds is not written again; the rest serves again', async () => {
  const { sink, writer } = open();
  const publish = async (key: string): Promise<void> => {
    writer.publish(1, { exchange: 'x', key, body: Buffer.from('body'), options: {} });
    await endOfTurn();
  };
  sink.holds = true;
  for (let i = 0; i < 5; i++) await publish(`held ${i}`);
  expect(sink.held).toEqual(sink.writes);
  const places = new Set(sink.held.map(({ byteOffset }) => byteOffset));
  expect(places.size).toBe(5);
  sink.holds = false;
  await publish('still behind what is held');
  expect(sink.held).toEqual(sink.writes.slice(0, 5));
  sink.writableLength = 0;
  await publish('taken by the kernel');
  await publish('again');
  sink.holds = true;
  await publish('from the beginning');
  expect(sink.held.at(-1)?.byteOffset).toBe(sink.held[0]?.byteOffset);
});

test('everything of one turn leaves in one write, and counts as one sign of life', async () => {
  const { sink, writer, counts } = open();
  const message = { exchange: 'e', key: 'k', body: Buffer.from('{}'), options: {} };
  for (let i = 1; i <= 500; i++) {
    writer.publish(1, message);
    writer.ack(2, i, true);
  }
  expect(sink.writes).toHaveLength(0);
  await endOfTurn();
  expect(sink.writes).toHaveLength(1);
  expect(counts.sent).toBe(1);
  expect(decodeAll(Buffer.concat(sink.writes))).toHaveLength(2_000);
});

test('settlements are what amqplib would send', async () => {
  const { sink, writer } = open();
  writer.ack(3, 7, false);
  writer.ack(3, 2 ** 40, true);
  writer.nack(3, 8);
  writer.reject(3, 9);
  await endOfTurn();
  expect(decodeAll(Buffer.concat(sink.writes)).map(({ channel, fields }) => ({ channel, ...fields }))).toEqual([
    { channel: 3, deliveryTag: 7, multiple: false },
    { channel: 3, deliveryTag: 2 ** 40, multiple: true },
    { channel: 3, deliveryTag: 8, multiple: false, requeue: true },
    { channel: 3, deliveryTag: 9, requeue: true },
  ]);
});

test('a string that does not fit is refused, and nothing of its message is sent', async () => {
  const { sink, writer } = open();
  const message = (key: string, extra: Options.Publish = {}): Parameters<FrameWriter['publish']>[1] => ({
    exchange: 'e',
    key,
    body: Buffer.from('x'),
    options: extra,
  });
  writer.publish(1, message('before'));
  expect(() => writer.publish(1, message('k'.repeat(256)))).toThrow(RangeError);
  expect(() => writer.publish(1, message('k', { messageId: 'ä'.repeat(128) }))).toThrow(RangeError);
  writer.publish(1, message('after'));
  await endOfTurn();
  const read = messagesOf(decodeAll(Buffer.concat(sink.writes)));
  expect(read.map(({ fields }) => fields)).toMatchObject([{ routingKey: 'before' }, { routingKey: 'after' }]);
});

test('a publisher is asked to wait while a mebibyte is unsent, and told once when it is gone', () => {
  const { sink, writer, counts } = open();
  const message = { exchange: 'e', key: 'k', body: Buffer.alloc(100), options: {} };
  expect(writer.publish(1, message)).toBe(true);
  sink.writableLength = 1024 * 1024;
  expect(writer.publish(1, message)).toBe(false);
  expect(writer.publish(1, message)).toBe(false);
  sink.writableLength = 0;
  sink.drain();
  sink.drain();
  expect(counts.drained).toBe(1);
  expect(writer.publish(1, message)).toBe(true);
});

test('nothing is written to a socket that is gone', async () => {
  const { sink, writer } = open();
  sink.destroyed = true;
  writer.publish(1, { exchange: 'e', key: 'k', body: Buffer.alloc(20_000), options: {} });
  await endOfTurn();
  expect(sink.writes).toHaveLength(0);
});

test('options and headers of other kinds are left to amqplib', () => {
  const others: Options.Publish[] = [
    { priority: 1 },
    { CC: 'x' },
    { BCC: ['x'] },
    { contentEncoding: 'gzip' },
    { deliveryMode: 2 },
    { headers: { a: true } },
    { headers: { a: 1.5 } },
    { headers: { a: { b: 1 } } },
    { headers: { a: null } },
  ];
  for (const each of others) expect(canWrite(each), JSON.stringify(each)).toBe(false);
  expect(canWrite({ headers: { a: 1, b: 'x', c: undefined } })).toBe(true);
});
