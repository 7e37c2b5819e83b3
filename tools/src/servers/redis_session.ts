import { AppError, silentLogger } from '@warren/kernel';
import { RedisClient } from '@warren/redis';
import { Metrics } from '@warren/telemetry';
import { z } from 'zod';
import { sentenceOf } from '../tool_error.ts';
import type { RedisPlace } from './place.ts';

const READY_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 10_000;
const PROBE_TTL_MS = 1_000;
const SCAN_COUNT = 1_000;

const Keys = z.array(z.string());

type Commands = RedisClient['commands'];

/** Runs `work` on a connection of its own, with plain keys. */
async function withRedis<T>(url: string, work: (commands: Commands) => Promise<T>): Promise<T> {
  const timeouts = { commandMs: COMMAND_TIMEOUT_MS, socketMs: COMMAND_TIMEOUT_MS };
  const client = new RedisClient({
    url,
    keyPrefix: '',
    logger: silentLogger(),
    metrics: new Metrics('tools'),
    timeouts,
  });
  try {
    await client.ready(READY_TIMEOUT_MS);
    return await work(client.commands);
  } finally {
    await client.close();
  }
}

/** Undefined when keys can be written there, otherwise why not. Leaves nothing behind. */
export async function redisFailure(place: Pick<RedisPlace, 'url' | 'keyPrefix'>): Promise<string | undefined> {
  try {
    await withRedis(place.url, (commands) => commands.set(`${place.keyPrefix}probe`, '1', 'PX', PROBE_TTL_MS));
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof AppError && error.cause instanceof Error && error.cause.message !== '')
    return sentenceOf(error.cause);
  return sentenceOf(error).replace(/\.$/, '');
}

/** Removes every key of the prefix, found by SCAN; resolves to their number. Refuses an empty prefix, which would be everything. */
export function removeKeys(place: Pick<RedisPlace, 'url' | 'keyPrefix'>): Promise<number> {
  const { url, keyPrefix } = place;
  if (keyPrefix.length < 2) throw new RangeError('a key prefix is needed to remove keys');
  return withRedis(url, async (commands) => {
    let removed = 0;
    const pattern = `${keyPrefix.replaceAll(/[\\*?[\]]/g, '\\$&')}*`;
    for await (const keys of commands.scanStream({ match: pattern, count: SCAN_COUNT })) {
      const found = Keys.parse(keys);
      if (found.length > 0) removed += await commands.unlink(...found);
    }
    return removed;
  });
}
