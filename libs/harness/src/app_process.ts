import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readEnvironment } from '@warren/kernel';

export const REPO = fileURLToPath(new URL('../../../', import.meta.url));

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

export interface AppSpec {
  readonly name: string;
  /** Below the root of the project. */
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** A log line that says the process is ready. */
  readonly ready: (line: LogLine) => boolean;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
/** Of the environment of the test run a child gets only what a program needs to run at all. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG'];

/** A test run that ends without cleaning up must not leave a system behind. */
const RUNNING = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of RUNNING) child.kill('SIGKILL');
});

/** One process under test: its log lines, its standard error and how it ended. */
export class AppProcess {
  readonly name: string;
  readonly lines: LogLine[] = [];
  readonly startedAt = performance.now();
  stderr = '';
  /** Lines of standard output that are no JSON object; no process of ours writes such. */
  readonly garbled: string[] = [];
  exitCode: number | null = null;
  signal: NodeJS.Signals | null = null;
  readonly #child: ChildProcess;
  readonly #spec: AppSpec;
  readonly #ended: Promise<void>;
  readonly #written: string[] = [];
  #rest = '';

  constructor(spec: AppSpec) {
    this.name = spec.name;
    this.#spec = spec;
    const env: Record<string, string> = { ...spec.env };
    const own = readEnvironment();
    for (const name of PASSED_ON) {
      const value = own[name];
      if (value !== undefined) env[name] ??= value;
    }
    this.#child = spawn(process.execPath, [path.join(REPO, spec.script)], {
      cwd: path.dirname(REPO),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    RUNNING.add(this.#child);
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        RUNNING.delete(this.#child);
        this.exitCode = code;
        this.signal = signal;
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Everything that it wrote, to both streams, as it wrote it. */
  get output(): string {
    return this.#written.join('') + this.stderr;
  }

  get running(): boolean {
    return this.exitCode === null && this.signal === null;
  }

  /** Resolves to the ready line. @throws Error with the end of the log */
  async ready(): Promise<LogLine> {
    const line = await this.waitFor(this.#spec.ready, START_TIMEOUT_MS);
    if (line !== undefined) return line;
    throw new Error(
      `${this.name} did not become ready (exit ${this.exitCode}): ${this.stderr.slice(-500)} ${JSON.stringify(this.lines.slice(-3))}`,
    );
  }

  /** The first line, past or coming, that `accept` takes; undefined when the process ends or the time is over. */
  async waitFor(accept: (line: LogLine) => boolean, timeoutMs: number): Promise<LogLine | undefined> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(accept);
      if (found !== undefined) return found;
      if (!this.running || performance.now() > until) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for the end; resolves to the milliseconds it took. */
  async ended(timeoutMs = STOP_TIMEOUT_MS): Promise<number> {
    const from = performance.now();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), timeoutMs);
    await this.#ended;
    clearTimeout(timer);
    return performance.now() - from;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    if (!this.running) return 0;
    this.send(signal);
    return this.ended();
  }

  #read(text: string): void {
    this.#written.push(text);
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) {
      try {
        const line: unknown = JSON.parse(part);
        if (isLogLine(line)) this.lines.push(line);
        else this.garbled.push(part);
      } catch {
        this.garbled.push(part);
      }
    }
  }
}

function isLogLine(value: unknown): value is LogLine {
  if (typeof value !== 'object' || value === null) return false;
  return !('msg' in value) || typeof value.msg === 'string';
}
