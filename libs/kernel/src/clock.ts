import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Time as a dependency, so that tests and simulations can own it. */
export interface Clock {
  /** Wall clock, epoch milliseconds. Only for stamps; never for durations. */
  now(): number;
  /** Monotonic milliseconds since some start. For every duration and timeout. */
  monotonicMs(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once, after `ms`. Returns the function that calls it off. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch {
      // an aborted sleep is an early end, not a failure
    }
  },
  // not by way of `sleep`: to call that off costs an error with its stack, too much for something done per message
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Waits for `work`, at most `ms`. On expiry it rejects with what `onExpiry` makes; the late outcome of `work` is swallowed,
 * because an unhandled rejection would end the process.
 */
export async function withTimeout<T>(work: Promise<T>, ms: number, onExpiry: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(onExpiry()), ms);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
