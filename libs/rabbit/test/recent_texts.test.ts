import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RecentTexts } from '../src/frames/recent_texts.ts';

const decode = (texts: RecentTexts, bytes: Buffer): string =>
  texts.decode(Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')]), 1, 1 + bytes.length);

test('bytes are decoded as UTF-8, whatever was decoded before', () => {
  const few = fc.constantFrom('a', 'b', '\u00e9', '\u20ac', '\ufffd');
  const text = fc
    .oneof(fc.string({ unit: few, maxLength: 4 }), fc.string({ maxLength: 80 }))
    .map((t) => Buffer.from(t));
  const raw = fc.uint8Array({ maxLength: 4 }).map((octets) => Buffer.from(octets));
  fc.assert(
    fc.property(fc.array(fc.oneof(text, raw), { maxLength: 60 }), (all) => {
      const texts = new RecentTexts();
      for (const bytes of all) expect(decode(texts, bytes)).toBe(bytes.toString('utf8'));
    }),
  );
});

test('an octet that is no UTF-8 is not taken for the character of its number', () => {
  const texts = new RecentTexts();
  expect(decode(texts, Buffer.from('\u00e9'))).toBe('\u00e9');
  expect(decode(texts, Buffer.from([0xe9]))).toBe('\ufffd');
  expect(decode(texts, Buffer.from([0xe9]))).toBe('\ufffd');
});
