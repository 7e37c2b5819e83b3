export interface UntilOptions {
  readonly timeoutMs: number;
  /** What is waited for, for the error. */
  readonly what: string;
  /** Between two questions, milliseconds. */
  readonly pollMs?: number;
}

const DEFAULT_POLL_MS = 25;

/** Asks again and again until the answer is neither undefined nor false. @throws Error when the time is over */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  options: UntilOptions,
): Promise<T> {
  const { timeoutMs, what, pollMs = DEFAULT_POLL_MS } = options;
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
