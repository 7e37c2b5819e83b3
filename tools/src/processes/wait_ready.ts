import { setTimeout as delay } from 'node:timers/promises';
import { ToolError } from '../tool_error.ts';
import type { ManagedProcess } from './managed_process.ts';

const POLL_MS = 100;
const REQUEST_MS = 2_000;
const READY_TIMEOUT_MS = 60_000;

/** Whether a readiness URL says yes, and what it said otherwise. */
async function probe(url: string): Promise<{ ready: boolean; said: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MS) });
    const said = await response.text();
    return { ready: response.ok, said: said.slice(0, 300) };
  } catch {
    return { ready: false, said: 'it does not answer' };
  }
}

/**
 * Waits until the process says that it is ready.
 * @throws ToolError with the end of its log when it ends, or does not get ready in time
 */
export async function waitUntilReady(child: ManagedProcess, url: string): Promise<void> {
  const end = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const { ready, said } = await probe(url);
    if (child.ended !== undefined) throw child.failure();
    if (ready) return;
    if (performance.now() > end) {
      throw new ToolError(`${child.name} is not ready after ${READY_TIMEOUT_MS / 1000} s: ${said}; its log is ${child.logFile}.`);
    }
    await delay(POLL_MS);
  }
}
