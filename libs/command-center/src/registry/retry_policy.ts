import { DELAY_TIERS } from '@warren/rabbit';

export type DelayTier = (typeof DELAY_TIERS)[number];

/** What a registry line may say about the retries of one command or event. */
export interface RetryOptions {
  /** Runs altogether, the first one included: 1 never tries again. One more than there are tiers unless said. */
  readonly maxAttempts?: number;
  /** The wait after the first failed run, the second …; the last one repeats. All tiers unless said. */
  readonly tiers?: readonly DelayTier['name'][];
}

/** When work that failed and may end better later is tried again. Compiled once, at start. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  /** One at least, in the order in which they are used. */
  readonly tiers: readonly DelayTier[];
}

/** Together with the longest tier this stays far below the retention of the inbox. */
const MAX_ATTEMPTS = 20;

/** One run, then one more after each tier. */
export const DEFAULT_RETRY = retryPolicy('the default', {});

/** For commands in sequence, whose key waits meanwhile: a minute at most is spent on one. */
export const SEQUENCE_RETRY: RetryOptions = { maxAttempts: 5, tiers: ['1s', '5s', '30s'] };

/** @throws RangeError that names `name` for bounds that make no sense */
export function retryPolicy(name: string, options: RetryOptions): RetryPolicy {
  const { tiers: names = DELAY_TIERS.map((tier) => tier.name) } = options;
  const tiers = DELAY_TIERS.filter((tier) => names.includes(tier.name));
  const maxAttempts = options.maxAttempts ?? names.length + 1;
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1 || maxAttempts > MAX_ATTEMPTS)
    throw new RangeError(`${name}: maxAttempts must be 1 to ${MAX_ATTEMPTS}`);
  if (tiers.length === 0) throw new RangeError(`${name}: retries need one tier at least; maxAttempts: 1 means none`);
  if (tiers.some((tier, index) => tier.name !== names[index]) || tiers.length !== names.length)
    throw new RangeError(`${name}: tiers are named once each, the shortest first`);
  return Object.freeze({ maxAttempts, tiers });
}

/** The wait after the failed run number `attempt` (1 is the first); undefined when that was the last one. */
export function waitAfter({ maxAttempts, tiers }: RetryPolicy, attempt: number): DelayTier | undefined {
  return attempt >= maxAttempts ? undefined : tiers[Math.min(attempt, tiers.length) - 1];
}
