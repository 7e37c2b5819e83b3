import { expect, test } from 'vitest';
import { plain, plainLines } from '../plain_text.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { maskSecrets, maskSecretsInText } from './mask_secrets.ts';
import { tableLines } from './table.ts';

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
  ['1w', 604_800_000],
  ['2', undefined],
  ['-1h', undefined],
  ['1.5h', undefined],
  ['h', undefined],
  ['9999999s', undefined],
])('the age %s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  [0, '0s'],
  [59_999, '59s'],
  [3_600_000, '1h'],
  [11_530_000, '3h 12m'],
  [604_800_000, '7d'],
  [90_061_000, '1d 1h'],
])('%s ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('a secret is masked at any depth, whatever its value is', () => {
  const value = { password: { a: 1 }, list: [{ refresh_token: null, ok: 1 }], deep: { server_key: 'x' } };
  expect(maskSecrets(value)).toEqual({
    password: '***',
    list: [{ refresh_token: '***', ok: 1 }],
    deep: { server_key: '***' },
  });
});

test('what is nested deeper than anything of ours is not shown', () => {
  let value: unknown = { password: 'hidden' };
  for (let i = 0; i < 1_000; i++) value = [value];
  expect(JSON.stringify(maskSecrets(value))).not.toContain('hidden');
});

test('text that is no JSON is masked up to its end', () => {
  expect(maskSecretsInText('{"password":"a\\"b","x":1,"token": "unfinis')).toBe(
    '{"password":"***","x":1,"token": "***"',
  );
  expect(maskSecretsInText('{"password":12,"y":2')).toBe('{"password":"***","y":2');
});

test('control characters and marks of direction are written out', () => {
  expect(plain('a\u001b[31mb\nc\u202ed\u0000')).toBe('a\\u{1b}[31mb\\u{a}c\\u{202e}d\\u{0}');
  expect(plainLines('a\nb\u0007')).toBe('a\nb\\u{7}');
});

test('a table aligns its columns and lets no cell break out of its line', () => {
  expect(
    tableLines(
      [{ head: 'A' }, { head: 'N', align: 'right' }],
      [
        ['x\ny', '1'],
        ['z', '100'],
      ],
    ),
  ).toEqual(['A          N', 'x\\u{a}y    1', 'z        100']);
});
