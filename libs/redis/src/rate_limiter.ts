import type { RedisClient } from './redis_client.ts';
import { defineScript, integers } from './script.ts';

export interface RateLimit {
  /** Tokens of a full bucket: the largest burst. */
  readonly limit: number;
  /** Time in which an empty bucket fills, milliseconds. */
  readonly windowMs: number;
}

export interface RateDecision {
  readonly allowed: boolean;
  /** Milliseconds until the same cost is allowed; 0 when it was allowed. */
  readonly retryAfterMs: number;
  /** Whole tokens left. */
  readonly remaining: number;
}

/**
 * A token bucket kept as one number, the time at which it will be full again (GCRA): one small value per key that
 * expires by itself. Times are microseconds of the server's clock, because the clocks of gateways differ.
 */
const TAKE = defineScript({
  name: 'warrenRateTake',
  keys: 1,
  lua: `
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000, tonumber(ARGV[3])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local step = window / limit
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0') or 0, now)
if full_at > now + window then full_at = now + window end
local next_full_at = full_at + step * cost
local over = next_full_at - (now + window)
if over > 0.5 then
  return {0, math.ceil(over / 1000), math.floor((now + window - full_at) / step + 0.000001)}
end
redis.call('SET', KEYS[1], string.format('%.0f', next_full_at), 'PX', math.max(1, math.ceil((next_full_at - now) / 1000)))
return {1, 0, math.floor((now + window - next_full_at) / step + 0.000001)}
`,
  parse: (raw): RateDecision => {
    const [allowed = 0, retryAfterMs = 0, remaining = 0] = integers(raw, 3);
    return { allowed: allowed === 1, retryAfterMs, remaining };
  },
});

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value > 0;

/** Limits how often something happens per key, over all instances of a service. Its keys live under `rate:`. */
export class RateLimiter {
  readonly #redis: RedisClient;

  constructor(deps: { readonly redis: RedisClient }) {
    this.#redis = deps.redis;
  }

  /**
   * Takes `cost` tokens (1 unless told) when they are there, in one atomic step. Throws SERVICE_UNAVAILABLE when Redis
   * is away: the caller decides whether its route then stays open.
   */
  take(key: string, { limit, windowMs }: RateLimit, cost = 1): Promise<RateDecision> {
    if (!isCount(limit) || !isCount(windowMs) || !isCount(cost) || cost > limit) {
      return Promise.reject(
        new RangeError('limit, windowMs and cost are whole numbers above 0, and cost is at most limit'),
      );
    }
    return this.#redis.run(TAKE, [`rate:${key}`], [limit, windowMs, cost]);
  }
}
