import type { RedisClient } from '@warren/redis';
import * as z from 'zod';
import { SAMPLE_TTL_MS } from '../allocation_settings.ts';
import type { LoadSample } from '../services/pick_server.ts';

export interface ReportedLoad {
  readonly cpu: number;
  readonly ram: number;
  readonly games: number;
}

/** A key of another type (somebody wrote into our prefix) is replaced: it would refuse this server's metrics for ever. */
const WRITE_SAMPLE = `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[1]) end
local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'cpu', ARGV[1], 'ram', ARGV[2], 'games', ARGV[3], 'at', string.format('%.0f', at))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return at`;

/** Redis' own clock dates and ages the samples, so that the clocks of the allocators do not matter. */
const READ_SAMPLES = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local samples = {}
for i, key in ipairs(KEYS) do
  local sample = redis.pcall('HMGET', key, 'cpu', 'ram', 'games', 'at')
  if sample.err or not sample[4] then
    samples[i] = {}
  else
    samples[i] = { sample[1], sample[2], sample[3], string.format('%.0f', now - tonumber(sample[4])) }
  end
end
return samples`;

const Share = z.coerce.number().min(0).max(1);
const StoredSample = z
  .tuple([z.string().min(1), z.string().min(1), z.string().min(1), z.string().min(1)])
  .pipe(z.tuple([Share, Share, z.coerce.number().int().min(0), z.coerce.number().min(0)]));
const StoredSamples = z.array(z.array(z.string().nullable()));

const sampleKey = (instanceId: string): string => `allocator:server:${instanceId}`;

/** Metrics of the last heartbeats, in Redis. They may vanish at any time: the next heartbeats bring them back. */
export class SampleRepository {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async write(instanceId: string, load: ReportedLoad): Promise<void> {
    await this.#redis.commands.eval(WRITE_SAMPLE, 1, sampleKey(instanceId), load.cpu, load.ram, load.games, SAMPLE_TTL_MS);
  }

  /** The samples of these servers. One that is absent, unreadable or out of bounds is left out. */
  async read(instanceIds: readonly string[]): Promise<ReadonlyMap<string, LoadSample>> {
    if (instanceIds.length === 0) return new Map();
    const found = StoredSamples.parse(
      await this.#redis.commands.eval(READ_SAMPLES, instanceIds.length, ...instanceIds.map(sampleKey)),
    );
    const samples = new Map<string, LoadSample>();
    for (const [index, instanceId] of instanceIds.entries()) {
      const sample = StoredSample.safeParse(found[index]);
      if (!sample.success) continue;
      const [cpu, ram, games, ageMs] = sample.data;
      samples.set(instanceId, { cpu, ram, games, ageMs });
    }
    return samples;
  }
}
