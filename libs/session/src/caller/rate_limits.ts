import { isIPv6 } from 'node:net';
import type { Contract } from '@warren/contracts';
import { commonError } from '@warren/http';
import type { Clock, Logger } from '@warren/kernel';
import type { RateDecision, RateLimiter } from '@warren/redis';
import { LocalLimiter } from './local_limiter.ts';
import type { Caller } from './principal.ts';

const MINUTE_MS = 60_000;
/** After a failure of Redis the local limiter decides for this long, so that calls do not wait for a timeout each. */
const FALLBACK_MS = 1_000;

export interface RateLimitsDeps {
  readonly limiter: Pick<RateLimiter, 'take'>;
  /** Multiplies the limit of every contract. */
  readonly factor: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Calls per minute and caller: account, game server, or address of a stranger. */
export class RateLimits {
  readonly #limiter: Pick<RateLimiter, 'take'>;
  readonly #factor: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #local: LocalLimiter;
  #localUntil = Number.NEGATIVE_INFINITY;

  constructor(deps: RateLimitsDeps) {
    this.#limiter = deps.limiter;
    this.#factor = deps.factor;
    this.#clock = deps.clock;
    this.#logger = deps.logger;
    this.#local = new LocalLimiter(deps.clock);
  }

  /** @throws AppError RATE_LIMITED with the seconds to wait */
  async take(contract: Contract, caller: Caller, address: string): Promise<void> {
    await this.takeFor(`${subjectOf(caller, address)}:${contract.name}`, contract.limits.ratePerMinute);
  }

  /** @throws AppError RATE_LIMITED */
  async takeFor(key: string, ratePerMinute: number): Promise<void> {
    const limit = { limit: Math.max(1, Math.round(ratePerMinute * this.#factor)), windowMs: MINUTE_MS };
    const decision = await this.#decide(key, limit);
    if (decision.allowed) return;
    throw commonError('RATE_LIMITED', { retryAfterSeconds: Math.max(1, Math.ceil(decision.retryAfterMs / 1_000)) });
  }

  async #decide(key: string, limit: { readonly limit: number; readonly windowMs: number }): Promise<RateDecision> {
    if (this.#clock.monotonicMs() < this.#localUntil) return this.#local.take(key, limit);
    try {
      return await this.#limiter.take(key, limit);
    } catch (error) {
      this.#localUntil = this.#clock.monotonicMs() + FALLBACK_MS;
      this.#logger.warn({ err: error }, 'rates are limited per process, because Redis does not answer');
      return this.#local.take(key, limit);
    }
  }
}

function subjectOf(caller: Caller, address: string): string {
  return caller.kind === 'anonymous' ? `address:${networkOf(address)}` : `${caller.kind}:${caller.id}`;
}

/** One customer owns a whole /64 of IPv6, so that single addresses there limit nobody. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::', 2);
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
