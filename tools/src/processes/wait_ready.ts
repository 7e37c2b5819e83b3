import { setTimeout as delay } from 'node:timers/promises';
import { ToolError } from '../tool_error.ts';
import type { ManagedProcess } from './managed_process.ts';

const POLL_MS = 100;
const REQUEST_MS = 2_000;
const READY_TIMEOUT_MS = 60_000;

/** How a process says that it is ready: a URL that answers with success, or a text in what it logs. */
export type Readiness = { readonly url: string } | { readonly log: string };

/** Whether a readiness URL says yes, and what it said otherwise. */
async function probeUrl(url: string): Promise<{ ready: boolean; said: string }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_MS) });
    const said = await response.text();
    return { ready: response.ok, said: said.slice(0, 300) };
  } catch {
    return { ready: false, said: 'it does not answer' };
  }
}

function probeLog(child: ManagedProcess, text: string): { ready: boolean; said: string } {
  return { ready: child.loggedSinceStart().includes(text), said: 'it has not said so in its log' };
}

/**
 * Waits until the process says that it is ready.
 * @throws ToolError with the end of its log when it ends, or does not get ready in time
 */
export async function waitUntilReady(child: ManagedProcess, readiness: Readiness): Promise<void> {
  const end = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const { ready, said } = 'url' in readiness ? await probeUrl(readiness.url) : probeLog(child, readiness.log);
    if (child.ended !== undefined) throw child.failure();
    if (ready) return;
    if (performance.now() > end) {
      throw new ToolError(
        `${child.name} is not ready after ${READY_TIMEOUT_MS / 1000} s: ${said}; its log is ${child.logFile}.`,
      );
    }
    await delay(POLL_MS);
  }
}
