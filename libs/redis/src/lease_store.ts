import type { RedisClient } from './redis_client.ts';
import { defineScript, integers } from './script.ts';

/**
 * `epoch` grows with every new holder of the key: who acts under a lease sends it along, and an older one is refused.
 */
export interface Lease {
  readonly epoch: number;
}

const flag = (raw: unknown): boolean => integers([raw], 1)[0] === 1;

/**
 * The epoch outlives the lease in a key of its own and is at least the server's clock in milliseconds, so it does not
 * go back even after a flush. The holder that asks again keeps its epoch.
 */
const CLAIM = defineScript({
  name: 'warrenLeaseClaim',
  keys: 2,
  lua: `
local held = redis.call('HMGET', KEYS[1], 'holder', 'epoch')
if held[1] == ARGV[1] and held[2] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(held[2])
end
if held[1] then return 0 end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local epoch = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, now)
redis.call('SET', KEYS[2], string.format('%.0f', epoch), 'PX', ARGV[3])
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'epoch', string.format('%.0f', epoch))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return epoch
`,
  parse: (raw): Lease | undefined => {
    const [epoch = 0] = integers([raw], 1);
    return epoch === 0 ? undefined : { epoch };
  },
});

const RENEW = defineScript({
  name: 'warrenLeaseRenew',
  keys: 1,
  lua: `
local held = redis.call('HMGET', KEYS[1], 'holder', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
`,
  parse: flag,
});

const RELEASE = defineScript({
  name: 'warrenLeaseRelease',
  keys: 1,
  lua: `
local held = redis.call('HMGET', KEYS[1], 'holder', 'epoch')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
return redis.call('DEL', KEYS[1])
`,
  parse: flag,
});

/** How long the last epoch of a key without holder is remembered; the clock carries on where it is forgotten. */
const EPOCH_MEMORY_MS = 24 * 3_600_000;

/**
 * Leases with a fence. At most one holder per key, as long as Redis keeps its data; after a flush two may believe in
 * theirs until the older renews, and the epoch tells them apart. Keys live under `lease:`.
 */
export class LeaseStore {
  readonly #redis: RedisClient;

  constructor(deps: { readonly redis: RedisClient }) {
    this.#redis = deps.redis;
  }

  /**
   * Takes the lease, or takes it again as the same holder (same epoch, new time). `undefined`: somebody else holds it.
   */
  claim(key: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#redis.run(CLAIM, [`lease:${key}`, `lease_epoch:${key}`], [holder, ttlMs, EPOCH_MEMORY_MS]);
  }

  /** Prolongs the lease. `false`: it is lost, stop acting at once. */
  renew(key: string, holder: string, epoch: number, ttlMs: number): Promise<boolean> {
    return this.#redis.run(RENEW, [`lease:${key}`], [holder, epoch, ttlMs]);
  }

  /** Gives the lease back. `false`: it was lost before. */
  release(key: string, holder: string, epoch: number): Promise<boolean> {
    return this.#redis.run(RELEASE, [`lease:${key}`], [holder, epoch]);
  }
}
