import { defineScript, type RedisClient } from '@warren/redis';
import * as z from 'zod';
import { SAMPLE_TTL_MS } from '../allocation_settings.ts';
import type { LoadSample } from '../services/pick_server.ts';

interface ReportedLoad {
  readonly cpu: number;
  readonly ram: number;
  readonly games: number;
}

/**
 * Redis' own clock dates the samples, so that the clocks of the allocators do not matter. A key of another type (somebody
 * wrote into our prefix) is replaced: it would refuse this server's metrics for ever.
 */
const WRITE_SAMPLE = defineScript({
  name: 'allocatorWriteSample',
  keys: 1,
  lua: `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'cpu', ARGV[1], 'ram', ARGV[2], 'games', ARGV[3], 'at', string.format('%.0f', at))
redis.call('PEXPIRE', KEYS[1], ARGV[4])`,
  parse: () => undefined,
});

const digits = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const share = z
  .string()
  .regex(/^\d(?:\.\d+)?(?:e-\d+)?$/)
  .transform(Number)
  .refine((value) => value <= 1);
const StoredSample = z.tuple([share, share, digits, digits]);
const Time = z.tuple([digits, digits]);

const sampleKey = (instanceId: string): string => `allocator:server:${instanceId}`;

/** Metrics of the last heartbeats, in Redis. They may vanish at any time: the next heartbeats bring them back. */
export class SampleRepository {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** @throws AppError SERVICE_UNAVAILABLE */
  async write(instanceId: string, load: ReportedLoad): Promise<void> {
    await this.#redis.run(WRITE_SAMPLE, [sampleKey(instanceId)], [load.cpu, load.ram, load.games, SAMPLE_TTL_MS]);
  }

  /**
   * The samples of these servers, in one round trip. One that is absent, unreadable, out of bounds or from the future is
   * left out.
   * @throws AppError SERVICE_UNAVAILABLE, or what else the connection failed with
   */
  async read(instanceIds: readonly string[]): Promise<ReadonlyMap<string, LoadSample>> {
    const samples = new Map<string, LoadSample>();
    if (instanceIds.length === 0) return samples;
    const pipeline = this.#redis.commands.pipeline();
    for (const instanceId of instanceIds) pipeline.hmget(sampleKey(instanceId), 'cpu', 'ram', 'games', 'at');
    // after the samples, so that none of them is younger than now
    const replies = (await pipeline.time().exec()) ?? [];
    const now = nowOf(replies.at(-1));
    for (const [index, instanceId] of instanceIds.entries()) {
      const stored = StoredSample.safeParse(replies[index]?.[1]);
      if (!stored.success) continue;
      const [cpu, ram, games, at] = stored.data;
      if (at <= now) samples.set(instanceId, { cpu, ram, games, ageMs: now - at });
    }
    return samples;
  }
}

/** Epoch milliseconds of a TIME reply. */
function nowOf(reply: [error: Error | null, result: unknown] | undefined): number {
  const [error, raw] = reply ?? [null, undefined];
  if (error !== null) throw error;
  const [seconds, micros] = Time.parse(Array.isArray(raw) ? raw.map(String) : raw);
  return seconds * 1_000 + Math.floor(micros / 1_000);
}
