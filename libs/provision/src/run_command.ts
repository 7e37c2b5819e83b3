import { spawn } from 'node:child_process';
import os from 'node:os';

/** Output beyond this is thrown away: a tool that prints without end must not fill memory. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 60_000;

/**
 * Where server tools live; the caller's own PATH is not used, so what runs does not depend on the shell it was
 * started from.
 */
const TOOL_PATH = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
  '/opt/homebrew/sbin',
  '/opt/homebrew/bin',
].join(':');

export interface RunOptions {
  /** Added to the small fixed environment; nothing else is inherited. */
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string;
  timeoutMs?: number;
  /** Only root may set these. */
  uid?: number;
  gid?: number;
  onLine?: (line: string) => void;
  /** Aborting asks the program to end. */
  signal?: AbortSignal;
}

export interface RunResult {
  /** Exit code; 127 when the program does not exist, 126 when it may not be run, 124 after the timeout. */
  code: number;
  stdout: string;
  stderr: string;
}

/** The environment of every process that this package starts. */
export function toolEnvironment(extra: Record<string, string> = {}): Record<string, string> {
  return { PATH: TOOL_PATH, HOME: os.homedir(), LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', ...extra };
}

class BoundedText {
  #text = '';

  add(chunk: string): void {
    if (this.#text.length < MAX_OUTPUT_BYTES) this.#text += chunk;
  }

  text(): string {
    return this.#text;
  }
}

function lineSplitter(onLine: (line: string) => void): { add: (chunk: string) => void; end: () => void } {
  let rest = '';
  return {
    add(chunk) {
      const lines = (rest + chunk).split('\n');
      rest = (lines.pop() ?? '').slice(0, MAX_OUTPUT_BYTES);
      for (const line of lines) onLine(line);
    },
    end() {
      if (rest !== '') onLine(rest);
    },
  };
}

function codeOfSpawnError(error: NodeJS.ErrnoException): number {
  return error.code === 'ENOENT' ? 127 : 126;
}

/** Runs a program to its end and never rejects: failure is a code and the text it printed. */
export function runCommand(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = command;
  if (program === undefined) return Promise.resolve({ code: 127, stdout: '', stderr: 'empty command' });
  const { timeoutMs = DEFAULT_TIMEOUT_MS, onLine, stdin } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: toolEnvironment(options.env),
      cwd: options.cwd ?? '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
    const out = new BoundedText();
    const err = new BoundedText();
    const lines = onLine === undefined ? undefined : lineSplitter(onLine);
    const interrupt = (): boolean => child.kill('SIGTERM');
    options.signal?.addEventListener('abort', interrupt, { once: true });
    if (options.signal?.aborted === true) interrupt();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out.add(chunk);
      lines?.add(chunk);
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      err.add(chunk);
      lines?.add(chunk);
    });
    // A program that ends without reading its input closes the pipe; that alone is no failure.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin ?? '');
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ code: codeOfSpawnError(error), stdout: '', stderr: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', interrupt);
      lines?.end();
      const stderr = timedOut ? `${err.text()}\nno answer within ${timeoutMs} ms` : err.text();
      resolve({ code: timedOut ? 124 : (code ?? (signal === null ? 1 : 128)), stdout: out.text(), stderr });
    });
  });
}
