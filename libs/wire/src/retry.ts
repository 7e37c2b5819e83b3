import { aborted, WarrenError } from './warren_error.ts';

const RETRY_BASE_MS = 100;
/** No wait that a server asks for is longer, so that a wrong header cannot put a client to sleep. */
export const MAX_WAIT_MS = 60_000;

export interface RetryOptions {
  /** Keeps trying for this long where an error is retryable, milliseconds. 0: one try. */
  readonly retryForMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds before try number `tries` + 1: doubling up to `maxMs`, and half of it random, so that clients spread. */
export function backoffMs(tries: number, maxMs: number): number {
  const cap = Math.min(maxMs, RETRY_BASE_MS * 2 ** Math.min(tries, 30));
  return cap / 2 + (Math.random() * cap) / 2;
}

/** @throws WarrenError CALL_ABORTED as soon as the signal is aborted */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(aborted(signal));
    const onAbort = (): void => {
      clearTimeout(timer);
      if (signal !== undefined) reject(aborted(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

const RETRY_MAX_MS = 2_000;

/** Runs `attempt` until it succeeds, fails for good, or the time is over. @throws WarrenError of the last attempt */
export async function retrying<T>(options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const { signal, retryForMs = 0 } = options;
  const until = performance.now() + retryForMs;
  for (let tries = 0; ; tries++) {
    if (signal?.aborted === true) throw aborted(signal);
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof WarrenError) || !error.retryable) throw error;
      const wait = Math.max((error.retryAfterSeconds ?? 0) * 1_000, backoffMs(tries, RETRY_MAX_MS));
      if (performance.now() + wait > until) throw error;
      await sleep(wait, signal);
    }
  }
}
