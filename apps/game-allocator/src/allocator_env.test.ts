import { DEVELOPMENT_ADDRESSES } from '@warren/allocation';
import { type Environment, readSettings } from '@warren/kernel';
import { expect, test } from 'vitest';
import { AllocatorEnv, allocationSettings } from './allocator_env.ts';

const REQUIRED = {
  NODE_ENV: 'test',
  RABBITMQ_URL: 'amqp://allocator:k9-Lq2vT7-xW4mZ8@127.0.0.1:5672/x',
  DATABASE_URL: 'postgres://allocator@127.0.0.1:5432/x',
  REDIS_URL: 'redis://127.0.0.1:6379',
  IDEMPOTENCY_HMAC_KEY: Buffer.from(Array.from({ length: 32 }, (_, index) => index)).toString('base64'),
};

const read = (env: Environment): ReturnType<typeof allocationSettings> =>
  allocationSettings(readSettings(AllocatorEnv, { prefix: 'ALLOCATOR', env: { ...REQUIRED, ...env } }));

test('an unconfirmed lease lives for 60 s, or for GAME_CACHE_TTL', () => {
  expect(read({})).toEqual({
    leaseTtlSeconds: 60,
    serverLostAfterSeconds: 15,
    allowedAddresses: DEVELOPMENT_ADDRESSES,
  });
  expect(read({ GAME_CACHE_TTL: '90', ALLOCATOR_SERVER_LOST_AFTER_SECONDS: '30' })).toMatchObject({
    leaseTtlSeconds: 90,
    serverLostAfterSeconds: 30,
  });
  expect(() => read({ GAME_CACHE_TTL: '0' })).toThrow(/GAME_CACHE_TTL/);
});

test('a list of addresses replaces the default', () => {
  expect(read({ ALLOCATOR_ALLOWED_ADDRESSES: '203.0.113.0/24, *.games.example.org,' }).allowedAddresses).toEqual([
    '203.0.113.0/24',
    '*.games.example.org',
  ]);
});

test('production has no default for the addresses to which players may be sent', () => {
  expect(() => read({ NODE_ENV: 'production' })).toThrow(/ALLOCATOR_ALLOWED_ADDRESSES is missing/);
  expect(read({ NODE_ENV: 'production', ALLOCATOR_ALLOWED_ADDRESSES: '203.0.113.0/24' })).toMatchObject({
    allowedAddresses: ['203.0.113.0/24'],
  });
});
