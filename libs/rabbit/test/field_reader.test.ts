import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BasicProperties, readProperties } from '../src/frames/basic_properties.ts';
import { FieldReader } from '../src/frames/field_reader.ts';
import { PROPERTY } from '../src/frames/frame_constants.ts';
import { decodeAll, defs } from './amqplib_codec.ts';
import { arrays, field, table, tables } from './raw_frames.ts';

/** Where the property flags begin in a content frame, and what follows them. */
const FLAGS_AT = 19;
const FRAME_END_BYTES = 1;

function read(bytes: Buffer): BasicProperties | undefined {
  const reader = new FieldReader();
  reader.begin(bytes, 0, bytes.length);
  return readProperties(reader);
}

const typed = (type: string, values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  values.map((value) => ({ '!': type, value }));
const name = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => text !== '__proto__' && text !== '!');
const flat = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.constant(null),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  typed('float', fc.float({ noNaN: true })),
  typed('timestamp', fc.maxSafeNat()),
  typed('decimal', fc.record({ places: fc.nat(255), digits: fc.nat(0xffff_ffff) })),
  ...[8, 16, 32].map((bits) => typed(`uint${bits}`, fc.nat(2 ** bits - 1))),
);
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    flat,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

test('headers of every type are read as amqplib reads them', () => {
  const headers = fc.dictionary(name, value, { maxKeys: 5, noNullPrototype: true });
  fc.assert(
    fc.property(headers, (sent) => {
      const frame = defs.encodeProperties(defs.BasicProperties, 1, 0, { headers: sent, messageId: 'm' });
      expect(read(frame.subarray(FLAGS_AT, frame.length - FRAME_END_BYTES))).toEqual(decodeAll(frame)[0]?.fields);
    }),
    { numRuns: 1_000 },
  );
});

/** The headers as given, and behind them a message id. */
function propertiesWith(headers: Buffer): Buffer {
  const flags = Buffer.alloc(2);
  flags.writeUInt16BE(PROPERTY.headers | PROPERTY.messageId);
  return Buffer.concat([flags, headers, Buffer.from('\x01m')]);
}

const known = field('known', 't', [1]);

test.each([
  ['a type that nobody knows', [field('strange', '?', [1, 2, 3]), field('lost', 't', [1])], { known: true }],
  ['a text longer than the table', [field('long', 'S', [0, 0, 1, 0, 0x61])], { known: true }],
  ['an array longer than the table', [field('long', 'A', [0, 0, 1, 0, 0x56])], { known: true }],
  ['an item longer than its array', [field('long', 'A', [0, 0, 0, 2, 0x49, 0, 0, 0, 1])], { known: true }],
  ['a number without an end', [field('short', 'l', [0])], { known: true }],
  ['a name without a value', [Buffer.from('\x05alone')], { known: true }],
  [
    'the name of the prototype',
    [field('__proto__', 'F', [0, 0, 0, 0]), field('next', 'V', [])],
    { known: true, next: null },
  ],
])('%s costs what cannot be read, and nothing else of the message', (_what, fields, headers) => {
  expect(read(propertiesWith(table([known, ...fields])))).toMatchObject({ messageId: 'm', headers });
  expect(read(propertiesWith(table([known, ...fields])))?.headers).toEqual(headers);
});

test.each([
  ['tables', tables],
  ['arrays', arrays],
])('%s inside of each other are read a few levels deep, however many there are', (_what, nest) => {
  const properties = read(propertiesWith(table([known, nest(20_000), field('next', 'b', [7])])));
  expect(properties).toMatchObject({ messageId: 'm', headers: { known: true, next: 7 } });
  expect(JSON.stringify(properties?.headers).length).toBeLessThan(200);
});

test('whatever bytes the headers have, the properties behind them are read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(read(propertiesWith(table([known, Buffer.from(bytes)])))).toMatchObject({
        messageId: 'm',
        headers: { known: true },
      });
    }),
    { numRuns: 1_000 },
  );
});

test('properties that end too early or too late are none', () => {
  const whole = propertiesWith(table([known]));
  expect(read(whole.subarray(0, -1))).toBeUndefined();
  expect(read(whole.subarray(0, 8))).toBeUndefined();
  expect(read(Buffer.concat([whole, Buffer.alloc(1)]))).toBeUndefined();
});
