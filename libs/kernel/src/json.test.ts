import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from './app_error.ts';
import { DEFAULT_JSON_LIMITS, parseJson } from './json.ts';

const refusal = (body: string | Uint8Array, limits = DEFAULT_JSON_LIMITS): AppError => {
  try {
    parseJson(Buffer.from(body), limits);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('was accepted');
};

test('parseJson gives what JSON.parse gives for every well-formed value within the limits', () => {
  const roomy = { maxBytes: 1_000_000, maxDepth: 1_000, maxKeys: 100_000 };
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
      const text = JSON.stringify(value);
      if (/__proto__|constructor|prototype|\\u0000|\\ud[89a-f]/.test(text) || /\d{16}/.test(text)) return;
      expect(parseJson(Buffer.from(text), roomy)).toEqual(JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['a truncated document', '[1,2'],
  ['nothing at all', ''],
  ['a trailing comma', '{"a":1,}'],
  ['NaN', '{"a":NaN}'],
  ['comments', '{/*x*/"a":1}'],
  ['a __proto__ key', '{"__proto__":{"role":"admin"}}'],
  ['an escaped __proto__ key', '{"\\u005f_proto__":{"role":"admin"}}'],
  ['a constructor key', '{"constructor":{"prototype":{"role":"admin"}}}'],
  ['a number beyond double', '{"amount":1e400}'],
  ['a whole number that would be rounded', '{"id":9007199254740993}'],
  ['half of a surrogate pair', '{"message":"\\ud800"}'],
  ['half of a surrogate pair in a key', '{"\\ud800":1}'],
  ['U+0000', '{"name":"a\\u0000b"}'],
  ['a byte order mark', Uint8Array.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d])],
  ['UTF-16', Uint8Array.from([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00])],
  ['invalid UTF-8', Uint8Array.from([0x22, 0xff, 0x22])],
])('parseJson refuses %s with REQUEST_INVALID', (_, body) => {
  expect(refusal(body)).toMatchObject({ code: 'REQUEST_INVALID', status: 400, retryable: false });
  expect(Object.hasOwn(Object.prototype, 'role')).toBe(false);
});

test('parseJson refuses a body over the size limit with REQUEST_TOO_LARGE', () => {
  expect(refusal(`"${'x'.repeat(DEFAULT_JSON_LIMITS.maxBytes)}"`)).toMatchObject({
    code: 'REQUEST_TOO_LARGE',
    status: 413,
  });
});

test('parseJson refuses deep and wide documents before it parses them', () => {
  const limits = { ...DEFAULT_JSON_LIMITS, maxBytes: 2_000_000 };
  const startedAt = performance.now();
  expect(refusal('['.repeat(524_000) + ']'.repeat(524_000), limits).message).toContain('deeper');
  const wide = `{${Array.from({ length: 90_000 }, (_, i) => `"k${i}":1`).join(',')}}`;
  expect(refusal(wide, limits).message).toContain('keys');
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test('parseJson counts neither brackets nor colons inside of strings', () => {
  const text = JSON.stringify({ note: '[[[{{{"\\"::::'.repeat(100) });
  expect(parseJson(Buffer.from(text), { maxBytes: 10_000, maxDepth: 1, maxKeys: 1 })).toEqual(JSON.parse(text));
});

test('parseJson keeps the last of two equal keys, as every JSON.parse does', () => {
  expect(parseJson(Buffer.from('{"username":"a","username":"admin"}'))).toEqual({ username: 'admin' });
});

test('parseJson refuses what it must wherever it stands, also among ids that look like exponents', () => {
  const id = '8d3e4512-1e99-4e43-9e10-12e345678901';
  expect(parseJson(Buffer.from(JSON.stringify({ id, list: [1.5e2, 3] })))).toEqual({ id, list: [150, 3] });
  const forbidden = ['{"a":{"b":[{"__proto__":1}]}}', '[{"x":{"prototype":1}}]', '{"a":1,"constructor":2}'];
  const numbers = ['[1e400]', '{"a":-1E999}', '[12345678901234567890]', '{"a":{"b":-9007199254740993}}'];
  for (const body of [...forbidden, ...numbers]) expect(refusal(body).code, body).toBe('REQUEST_INVALID');
  const allowed = ['{"a":"constructor"}', '["__proto__"]', '{"prototypes":1}', '[1234567890123456]', '{"a":1e3}'];
  for (const body of allowed) expect(parseJson(Buffer.from(body)), body).toEqual(JSON.parse(body));
});
