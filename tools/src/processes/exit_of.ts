import type { ChildProcess } from 'node:child_process';

const EXIT_INTERRUPTED = 130;
const EXIT_NOT_FOUND = 127;

/** Resolves to the exit code of a child when it and its output have ended; 130 when a signal ended it, 127 when it could not be started. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(EXIT_NOT_FOUND));
    child.once('close', (code) => resolve(code ?? EXIT_INTERRUPTED));
  });
}
