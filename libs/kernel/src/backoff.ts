import type { Rng } from './rng.ts';

export interface BackoffOptions {
  /** First cap, milliseconds. */
  readonly baseMs: number;
  /** Largest cap, milliseconds. */
  readonly maxMs: number;
}

/** Half-to-full jitter: attempt 1, 2, 3 … waits between cap/2 and cap, with cap = base × 2^(attempt-1), at most max. */
export function backoffMs(attempt: number, options: BackoffOptions, rng: Rng): number {
  const cap = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(Math.max(0, attempt - 1), 30));
  return Math.round(cap / 2 + (rng.next() * cap) / 2);
}
