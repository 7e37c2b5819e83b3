import { Redis } from 'ioredis';
import { isLeftover, TEMP_NAME_PREFIX, tempName } from './temp_names.ts';
import { testRedisUrl } from './test_settings.ts';

const SCAN_COUNT = 1000;
const CONNECT_TIMEOUT_MS = 10_000;

/** A part of the key space for one test. `keyPrefix` ends with a colon. */
export interface TempRedis {
  url: string;
  keyPrefix: string;
  /** Removes every key with the prefix. */
  drop: () => Promise<void>;
}

async function withRedis<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
  const options = {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
  };
  const redis = new Redis(testRedisUrl(), { ...options, retryStrategy: () => null });
  redis.on('error', () => undefined);
  await redis.connect();
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

async function unlinkMatching(redis: Redis, pattern: string, isWanted: (key: string) => boolean): Promise<number> {
  let removed = 0;
  const pages: AsyncIterable<string[]> = redis.scanStream({ match: pattern, count: SCAN_COUNT });
  for await (const keys of pages) {
    const wanted = keys.filter(isWanted);
    if (wanted.length > 0) removed += await redis.unlink(...wanted);
  }
  return removed;
}

/** A key prefix of one's own on the test Redis. Call `drop()` when done. */
export async function tempRedis(): Promise<TempRedis> {
  const keyPrefix = `${tempName()}:`;
  return {
    url: testRedisUrl(),
    keyPrefix,
    drop: async () => {
      await withRedis((redis) => unlinkMatching(redis, `${keyPrefix}*`, () => true));
    },
  };
}

/** Removes the keys of test processes that died without doing so; resolves to their number. */
export function dropLeftoverKeys(): Promise<number> {
  return withRedis((redis) => unlinkMatching(redis, `${TEMP_NAME_PREFIX}*`, (key) => isLeftover(key)));
}
