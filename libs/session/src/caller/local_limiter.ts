import type { Clock } from '@warren/kernel';
import type { RateDecision, RateLimit } from '@warren/redis';

/** Keys remembered; the oldest give way, which forgives them early. */
const MAX_KEYS = 10_000;

/** The token bucket of one process, for the time in which Redis cannot be asked. */
export class LocalLimiter {
  readonly #clock: Clock;
  /** Monotonic time at which each bucket is full again. */
  readonly #fullAt = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(key: string, { limit, windowMs }: RateLimit): RateDecision {
    const now = this.#clock.monotonicMs();
    const step = windowMs / limit;
    const next = Math.max(this.#fullAt.get(key) ?? 0, now) + step;
    const over = next - (now + windowMs);
    if (over > 0.001) return { allowed: false, retryAfterMs: Math.ceil(over), remaining: 0 };
    this.#fullAt.delete(key);
    this.#fullAt.set(key, next);
    if (this.#fullAt.size > MAX_KEYS) {
      const [oldest] = this.#fullAt.keys();
      if (oldest !== undefined) this.#fullAt.delete(oldest);
    }
    return { allowed: true, retryAfterMs: 0, remaining: Math.floor((now + windowMs - next) / step) };
  }
}
