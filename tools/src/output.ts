import { withoutPasswords } from './tool_error.ts';

/** How often a long step says that it is still at work. */
const TICK_MS = 5_000;

const started = performance.now();

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;

/** One line with the time since the command began. */
export function say(line: string): void {
  process.stdout.write(`[${seconds(performance.now() - started).padStart(6)}] ${withoutPasswords(line)}\n`);
}

/** One line exactly as given. */
export function sayPlain(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Seconds of a duration in milliseconds, for people: `1.2s`. */
export function inSeconds(ms: number): string {
  return seconds(ms);
}

export interface Progress {
  /** Replaces what the next sign of life says. */
  note(detail: string): void;
}

/** Runs a step that may take long: every five seconds a line says that it is still at work, and on what. */
export async function withProgress<T>(label: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const begin = performance.now();
  let detail = '';
  const ticker = setInterval(() => {
    say(`${label}: still at work after ${seconds(performance.now() - begin)}${detail === '' ? '' : ` (${detail})`}`);
  }, TICK_MS);
  try {
    return await work({ note: (text) => void (detail = text.trim().slice(0, 100)) });
  } finally {
    clearInterval(ticker);
  }
}
