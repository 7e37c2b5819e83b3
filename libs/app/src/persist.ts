import { type Clock, toAppError } from '@warren/kernel';
import type { Budget } from './budget.ts';

/** How long a start waits for what may come. */
export interface Patience {
  readonly budget: Budget;
  readonly clock: Clock;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

const RETRY_MS = 500;

/** Retryable for a caller, since an operator may mend it any time; a service that starts says so and ends instead. */
const FATAL_AT_START = new Set([
  'DATABASE_ACCESS_REFUSED',
  'DATABASE_CONFIG_INVALID',
  'REDIS_ACCESS_REFUSED',
  'REDIS_CONFIG_INVALID',
]);

/**
 * A part of the start that needs a store. One that is absent may come, and one that has answered may be too busy for the next
 * question: what fails for a reason that passes is tried again while there is time.
 * @throws what the last try threw
 */
export async function persist<T>(work: () => Promise<T> | T, { budget, clock, signal }: Patience): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (cause) {
      const { retryable, code } = toAppError(cause);
      const isFinal = !retryable || FATAL_AT_START.has(code) || budget.remainingMs() === 0;
      if (isFinal || signal?.aborted === true) throw cause;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
