export { LeaseStore } from './lease_store.ts';
export { type RateDecision, type RateLimit, RateLimiter } from './rate_limiter.ts';
export { RedisClient, type RedisClientDeps } from './redis_client.ts';
export { defineScript } from './script.ts';
