export { type Lease, LeaseStore } from './lease_store.ts';
export { type RateDecision, type RateLimit, RateLimiter } from './rate_limiter.ts';
export { RedisClient, type RedisClientDeps, type RedisTimeouts } from './redis_client.ts';
export { toRedisError } from './redis_error.ts';
export { defineScript, type Script } from './script.ts';
