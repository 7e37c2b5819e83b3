import { silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { type TempRedis, tempRedis } from '@warren/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineScript, LeaseStore, RateLimiter, RedisClient } from './index.ts';

let place: TempRedis;
let redis: RedisClient;

beforeAll(async () => {
  place = await tempRedis();
  redis = new RedisClient({
    url: place.url,
    keyPrefix: place.keyPrefix,
    logger: silentLogger(),
    metrics: new Metrics('test'),
  });
  await redis.ready(5_000);
});

afterAll(async () => {
  await redis.close();
  await place.drop();
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('RedisClient', () => {
  test('puts its prefix before every key', async () => {
    await redis.commands.set('a', '1', 'EX', 60);
    const bare = new RedisClient({
      url: place.url,
      keyPrefix: '',
      logger: silentLogger(),
      metrics: new Metrics('test'),
    });
    await bare.ready(5_000);
    expect(await bare.commands.get(`${place.keyPrefix}a`)).toBe('1');
    await bare.close();
  });

  test('runs a script with typed keys, arguments and answer, again after the server forgot it', async () => {
    const add = defineScript({
      name: 'testAdd',
      keys: 1,
      lua: `return redis.call('INCRBY', KEYS[1], ARGV[1])`,
      parse: Number,
    });
    expect(await redis.run(add, ['sum'], [5])).toBe(5);
    const other = redis.duplicate({});
    await other.ready(5_000);
    expect(await other.run(add, ['sum'], [2])).toBe(7);
    expect(await redis.run(add, ['sum'], [3])).toBe(10);
    await other.close();
  });

  test('refuses a script that is run with the wrong number of keys, and a second script of the same name', async () => {
    const one = defineScript({ name: 'testTwin', keys: 0, lua: 'return 1', parse: Number });
    const two = defineScript({ name: 'testTwin', keys: 0, lua: 'return 2', parse: Number });
    expect(await redis.run(one, [], [])).toBe(1);
    await expect(redis.run(two, [], [])).rejects.toThrow(/two scripts/);
    await expect(redis.run(one, ['k'], [])).rejects.toThrow(/takes 0 keys/);
  });

  test('leaves the answers that are faults of the caller as they are', async () => {
    await redis.commands.set('text', 'x', 'EX', 60);
    await expect(redis.commands.lpush('text', 'y')).rejects.toThrow(/WRONGTYPE/);
  });
});

describe('RateLimiter', () => {
  test('allows the burst, then refuses and says when to come again', async () => {
    const limiter = new RateLimiter({ redis });
    const limit = { limit: 5, windowMs: 60_000 };
    const burst = await Promise.all(Array.from({ length: 8 }, () => limiter.take('burst', limit)));
    expect(burst.filter((decision) => decision.allowed)).toHaveLength(5);
    expect(burst.filter((decision) => decision.allowed).map((decision) => decision.remaining)).toEqual([4, 3, 2, 1, 0]);
    for (const { retryAfterMs } of burst.filter((decision) => !decision.allowed)) {
      expect(retryAfterMs).toBeGreaterThan(10_000);
      expect(retryAfterMs).toBeLessThanOrEqual(12_000);
    }
    expect((await limiter.take('somebody-else', limit)).allowed).toBe(true);
  });

  test('allows again after the time it named', async () => {
    const limiter = new RateLimiter({ redis });
    const limit = { limit: 2, windowMs: 400 };
    await limiter.take('refill', limit);
    await limiter.take('refill', limit);
    const refused = await limiter.take('refill', limit);
    expect(refused.allowed).toBe(false);
    await sleep(refused.retryAfterMs + 5);
    expect((await limiter.take('refill', limit)).allowed).toBe(true);
  });

  test('takes a higher cost at once, and leaves no key behind for ever', async () => {
    const limiter = new RateLimiter({ redis });
    expect(await limiter.take('cost', { limit: 10, windowMs: 1_000 }, 7)).toMatchObject({
      allowed: true,
      remaining: 3,
    });
    expect((await limiter.take('cost', { limit: 10, windowMs: 1_000 }, 7)).allowed).toBe(false);
    expect(await redis.commands.pttl('rate:cost')).toBeGreaterThan(0);
  });

  test('refuses a limit that is no whole number above zero', async () => {
    const limiter = new RateLimiter({ redis });
    await expect(limiter.take('x', { limit: 0, windowMs: 1_000 })).rejects.toThrow(RangeError);
    await expect(limiter.take('x', { limit: 1.5, windowMs: 1_000 })).rejects.toThrow(RangeError);
    await expect(limiter.take('x', { limit: 1, windowMs: 1_000 }, 2)).rejects.toThrow(RangeError);
  });
});

describe('LeaseStore', () => {
  test('gives a key to one of many that ask at once', async () => {
    const leases = new LeaseStore({ redis });
    const claims = await Promise.all(Array.from({ length: 10 }, (_, i) => leases.claim('race', `holder-${i}`, 10_000)));
    expect(claims.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  test('keeps the epoch of a holder that claims again, and raises it for every new holder', async () => {
    const leases = new LeaseStore({ redis });
    const claim = async (holder: string): Promise<number> =>
      (await leases.claim('p0', holder, 10_000))?.epoch ?? Number.NaN;
    const first = await claim('a');
    expect(await claim('a')).toBe(first);
    expect(await claim('b')).toBeNaN();
    expect(await leases.release('p0', 'a', first)).toBe(true);
    const second = await claim('b');
    expect(second).toBeGreaterThan(first);
    expect(await leases.renew('p0', 'a', first, 10_000)).toBe(false);
    expect(await leases.release('p0', 'a', first)).toBe(false);
    expect(await leases.renew('p0', 'b', second, 10_000)).toBe(true);
  });

  test('lets the epoch grow also after Redis lost everything', async () => {
    const leases = new LeaseStore({ redis });
    const before = await leases.claim('flushed', 'a', 10_000);
    await sleep(2);
    await redis.commands.del('lease:flushed', 'lease_epoch:flushed');
    const after = await leases.claim('flushed', 'b', 10_000);
    expect(after?.epoch).toBeGreaterThan(before?.epoch ?? Number.POSITIVE_INFINITY);
    expect(await leases.renew('flushed', 'a', before?.epoch ?? 0, 10_000)).toBe(false);
  });

  test('ends by itself when the holder is gone', async () => {
    const leases = new LeaseStore({ redis });
    await leases.claim('short', 'a', 30);
    await sleep(60);
    expect(await leases.claim('short', 'b', 10_000)).toBeDefined();
  });
});
