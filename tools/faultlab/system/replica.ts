import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReplicaSpec {
  /** `auth-0`. */
  readonly id: string;
  /** Program of the service, absolute. */
  readonly script: string;
  readonly nodeArguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly adminUrl: string;
  readonly logFolder: string;
}

/** How one process of a replica ended. */
export interface ReplicaExit {
  readonly replica: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The lab asked for it. */
  readonly expected: boolean;
  /** From the lab's signal to the end, milliseconds. */
  readonly tookMs: number | undefined;
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

const RESTART_PAUSE_MS = 200;
const READY_POLL_MS = 100;
const PROBE_TIMEOUT_MS = 2_000;
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG'];

/** One replica of one service: a process that is started again whenever it ends, as an orchestrator would do it. */
export class Replica {
  readonly id: string;
  readonly exits: ReplicaExit[] = [];
  readonly #spec: ReplicaSpec;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #wanted = false;
  #askedAt: number | undefined;

  constructor(spec: ReplicaSpec) {
    this.id = spec.id;
    this.#spec = spec;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get adminUrl(): string {
    return this.#spec.adminUrl;
  }

  get logFile(): string {
    return path.join(this.#spec.logFolder, `${this.id}.log`);
  }

  get errorFile(): string {
    return path.join(this.#spec.logFolder, `${this.id}.err`);
  }

  start(): void {
    this.#wanted = true;
    this.#spawn();
  }

  /** Whether it says that it is ready; otherwise why not. */
  async probe(): Promise<{ readonly ready: boolean; readonly text: string }> {
    try {
      const response = await fetch(`${this.adminUrl}/readyz`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
      return { ready: response.ok, text: await response.text() };
    } catch (error) {
      return { ready: false, text: String(error) };
    }
  }

  /** @throws Error when it is not ready in time */
  async ready(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const { ready, text } = await this.probe();
      if (ready) return;
      if (performance.now() > end) throw new Error(`${this.id} is not ready after ${timeoutMs} ms: ${text}`);
      await sleep(READY_POLL_MS);
    }
  }

  /** Ends the process on purpose; the next one is started at once. Resolves when this one is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ended = this.#ended;
    this.#askedAt = performance.now();
    this.#child?.kill(signal);
    await ended;
  }

  /** For signals that do not end it. */
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGUSR2'): void {
    this.#child?.kill(signal);
  }

  /** Ends the process for good. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.#child?.kill('SIGCONT');
    await this.end('SIGTERM');
  }

  /** At once and for good, when the lab itself is going down. */
  abandon(): void {
    this.#wanted = false;
    this.#child?.kill('SIGKILL');
  }

  #spawn(): void {
    const { script, nodeArguments, logFolder } = this.#spec;
    const [out, err] = [fs.openSync(this.logFile, 'a'), fs.openSync(this.errorFile, 'a')];
    const child = spawn(process.execPath, [...nodeArguments, script], {
      cwd: logFolder,
      env: this.#environment(),
      stdio: ['ignore', out, err],
    });
    fs.closeSync(out);
    fs.closeSync(err);
    this.#child = child;
    this.#askedAt = undefined;
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#onEnd(child, code, signal);
        resolve();
      });
    });
  }

  #onEnd(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    const at = performance.now();
    const expected = this.#askedAt !== undefined;
    const tookMs = this.#askedAt === undefined ? undefined : at - this.#askedAt;
    this.exits.push({ replica: this.id, pid: child.pid ?? 0, code, signal, expected, tookMs, at });
    if (this.#wanted) setTimeout(() => this.#respawn(), RESTART_PAUSE_MS);
  }

  #respawn(): void {
    if (this.#wanted) this.#spawn();
  }

  #environment(): Record<string, string> {
    const env: Record<string, string> = { ...this.#spec.env };
    for (const name of PASSED_ON) {
      const value = process.env[name];
      if (value !== undefined) env[name] ??= value;
    }
    return env;
  }
}
