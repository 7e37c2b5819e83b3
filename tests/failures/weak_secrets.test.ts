import { key32, readSettings, secret } from '@warren/kernel';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { weakSecrets } from '../input/support/corpora.ts';

const Settings = z.object({ NODE_ENV: z.enum(['production', 'test']), RABBITMQ_URL: z.url() });
const WEAK = weakSecrets();

const read = (mode: string, password: string): (() => unknown) => {
  const env = { NODE_ENV: mode, RABBITMQ_URL: `amqp://auth:${encodeURIComponent(password)}@broker.example/w` };
  return () => readSettings(Settings, { prefix: 'AUTH', env });
};

test.each(WEAK)(
  'the secret %j is refused as a key, as a secret, and in production as the password of a URL',
  (weak) => {
    expect(key32().safeParse(weak).success).toBe(false);
    expect(secret().safeParse(weak).success).toBe(false);
    expect(read('production', weak)).toThrow('RABBITMQ_URL: its password is a placeholder or a well-known default');
  },
);

test('the placeholder of .env.example is refused in production, also within a longer text', () => {
  expect(read('production', 'replace-me')).toThrow(/RABBITMQ_URL/);
  expect(read('production', 'replace-me-with-a-password')).toThrow(/RABBITMQ_URL/);
});

test('a development system may use well-known passwords, and production a good one or none', () => {
  expect(read('test', 'guest')).not.toThrow();
  expect(read('production', 'k7Jq-rivet-Lantern-204')).not.toThrow();
  expect(read('production', '')).not.toThrow();
});

test('a refusal never repeats the secret', () => {
  expect(read('production', 'keyboard cat')).toThrow(/^(?!.*keyboard).*$/);
});
