import { expect, test } from 'vitest';
import { sentenceOf, withoutPasswords } from './tool_error.ts';

test.each([
  ['amqp://auth:s3cr3t@127.0.0.1:5672/x refused', 'amqp://auth:***@127.0.0.1:5672/x refused'],
  ['redis://:s3cr3t@host', 'redis://:***@host'],
  ['postgres://a:p%40ss@h and postgres://b:q@h', 'postgres://a:***@h and postgres://b:***@h'],
  ['http://127.0.0.1:8080/docs', 'http://127.0.0.1:8080/docs'],
])('Passwords in URLs are blanked: %s', (text, shown) => {
  expect(withoutPasswords(text)).toBe(shown);
});

test('A failure is its first line', () => {
  expect(sentenceOf(new Error('It broke.\n    at somewhere'))).toBe('It broke.');
  expect(sentenceOf('plain')).toBe('plain');
});
