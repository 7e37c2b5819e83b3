import { CREATE_TICKET, LOGIN } from '@warren/contracts';
import { AppError, silentLogger, systemClock } from '@warren/kernel';
import type { RateDecision, RateLimit, RateLimiter } from '@warren/redis';
import { expect, test } from 'vitest';
import { ANONYMOUS, type Principal } from '../src/caller/principal.ts';
import { RateLimits } from '../src/caller/rate_limits.ts';

const player: Principal = { kind: 'player', id: 'p1', sessionId: 's1', roles: [], expiresAt: 0 };

/** A limiter that records what it is asked, and is away when told so. */
class RecordingLimiter implements Pick<RateLimiter, 'take'> {
  readonly asked: [string, number][] = [];
  away = false;

  async take(key: string, limit: RateLimit): Promise<RateDecision> {
    this.asked.push([key, limit.limit]);
    if (this.away) throw new AppError('SERVICE_UNAVAILABLE', 'Away.', { kind: 'unavailable', retryable: true });
    return { allowed: true, retryAfterMs: 0, remaining: 1 };
  }
}

function make(factor = 1) {
  const limiter = new RecordingLimiter();
  const time = { now: 0 };
  const clock = { ...systemClock, monotonicMs: () => time.now };
  return { limiter, time, limits: new RateLimits({ limiter, factor, clock, logger: silentLogger() }) };
}

test('Accounts are limited by id, strangers by network, each command apart, times the factor', async () => {
  const { limits, limiter } = make(2);
  await limits.take(CREATE_TICKET, player, '203.0.113.7');
  await limits.take(LOGIN, ANONYMOUS, '2001:db8:1:2:3:4:5:6');
  expect(limiter.asked).toEqual([
    ['player:p1:coordinator.create_ticket', 240],
    ['address:2001:db8:1:2::/64:auth.login', 60],
  ]);
});

test('While Redis is away the limit is kept per process, and Redis is asked once a second', async () => {
  const { limits, limiter, time } = make();
  limiter.away = true;
  for (let i = 0; i < 30; i++) await limits.take(LOGIN, ANONYMOUS, '203.0.113.7');
  await expect(limits.take(LOGIN, ANONYMOUS, '203.0.113.7')).rejects.toMatchObject({
    code: 'RATE_LIMITED',
    retryAfterSeconds: 2,
  });
  expect(limiter.asked.length).toBe(1);
  time.now += 1_001;
  limiter.away = false;
  await limits.take(LOGIN, ANONYMOUS, '203.0.113.7');
  expect(limiter.asked.length).toBe(2);
});
