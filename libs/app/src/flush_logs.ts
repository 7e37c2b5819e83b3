import type { Logger } from '@warren/kernel';

/** A reader of our output that does not read must not keep the process. */
const FLUSH_TIMEOUT_MS = 500;

/** Resolves when every line written so far has left the process. Never rejects. */
export function flushLogs(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_TIMEOUT_MS);
    logger.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
