import { readSettings } from '@warren/kernel';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { BaseSettings, ListenerSettings, PostgresSettings, RedisSettings } from './base_settings.ts';

const All = z.object({
  ...BaseSettings.shape,
  ...PostgresSettings.shape,
  ...RedisSettings.shape,
  ...ListenerSettings.shape,
});
const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64');
const GOOD = {
  RABBITMQ_URL: 'amqp://auth:x@127.0.0.1/w',
  DATABASE_URL: 'postgres://auth@127.0.0.1/w',
  REDIS_URL: 'redis://127.0.0.1',
  IDEMPOTENCY_HMAC_KEY: KEY,
};
const read = (env: Record<string, string>) => readSettings(All, { prefix: 'AUTH', env: { ...GOOD, ...env } });

test('what is not said is safe: production, JSON lines, own address, 10 s to stop', () => {
  expect(read({})).toMatchObject({
    NODE_ENV: 'production',
    LOG_FORMAT: 'json',
    ADMIN_HOST: '127.0.0.1',
    SHUTDOWN_GRACE_MS: 10_000,
    BOOT_TIMEOUT_MS: 60_000,
    DATABASE_MIGRATE: false,
  });
});

test('the name with the prefix of the service wins', () => {
  expect(read({ ADMIN_PORT: '1', AUTH_ADMIN_PORT: '9101' }).ADMIN_PORT).toBe(9_101);
});

test.each([
  ['RABBITMQ_URL', 'http://x'],
  ['DATABASE_URL', 'mysql://x/y'],
  ['REDIS_URL', 'amqp://x'],
  ['NODE_ENV', 'staging'],
  ['LOG_LEVEL', 'loud'],
  ['ADMIN_PORT', '70000'],
  ['SHUTDOWN_GRACE_MS', '5'],
  ['MAX_CONCURRENT_TASKS', '0'],
  ['COMMAND_PROCESSING_TIMEOUT', '1.5'],
  ['IDEMPOTENCY_HMAC_KEY', 'replace-me'],
])('%s refuses "%s" by name, without showing it', (name, value) => {
  expect(() => read({ [name]: value })).toThrow(new RegExp(`Settings are not usable: .*${name}`));
  if (value.length > 4) expect(() => read({ [name]: value })).not.toThrow(new RegExp(value));
});

test('everything that is wrong is said at once', () => {
  expect(() => readSettings(All, { prefix: 'AUTH', env: { LOG_LEVEL: 'loud' } })).toThrow(
    /RABBITMQ_URL is missing.*DATABASE_URL is missing|LOG_LEVEL/,
  );
});
