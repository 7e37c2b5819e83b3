import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { type ProcessIdentity, stopProcess } from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import { ToolError } from '../tool_error.ts';
import { forgetProcess, recordProcess } from './process_record.ts';

/** A log that grew beyond this is put aside at the next start. */
const MAX_LOG_BYTES = 20 * 1024 * 1024;
const TAIL_LINES = 8;
const MAX_LINE_CHARS = 400;
const MAX_READ_BYTES = 1024 * 1024;
/** An app has ten seconds for its own shutdown, and a little more to die. */
const APP_GRACE_MS = 15_000;

export interface ProcessSpec {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** Time from SIGTERM to SIGKILL, milliseconds; 15 s unless given. */
  readonly stopGraceMs?: number;
}

/** One process of the system, in a session of its own: Ctrl-C in the terminal reaches only the starter, which ends the rest in order. */
export class ManagedProcess {
  readonly name: string;
  readonly logFile: string;
  readonly #clone: Clone;
  readonly #spec: ProcessSpec;
  readonly #onExit: (how: string) => void;
  #child: ChildProcess | undefined;
  #identity: ProcessIdentity | undefined;
  #ended: string | undefined;
  #stopping = false;
  #logStart = 0;

  /** `onExit` is told when the process ends without having been asked to. */
  constructor(clone: Clone, spec: ProcessSpec, onExit: (how: string) => void) {
    this.name = spec.name;
    this.logFile = path.join(clone.logDir, `${spec.name}.log`);
    this.#clone = clone;
    this.#spec = spec;
    this.#onExit = onExit;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** How it ended, as the end of a sentence; undefined while it runs. */
  get ended(): string | undefined {
    return this.#ended;
  }

  start(): void {
    this.#ended = undefined;
    this.#stopping = false;
    const log = this.#openLog();
    try {
      const child = spawn(process.execPath, [this.#spec.script], {
        cwd: this.#clone.root,
        env: { ...this.#spec.env },
        detached: true,
        stdio: ['ignore', log, log],
      });
      this.#child = child;
      child.once('error', (error) => this.#exited(child, `could not be started: ${error.message}`));
      child.once('exit', (code, signal) =>
        this.#exited(child, signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
      );
      if (child.pid !== undefined) this.#identity = recordProcess(this.#clone, this.name, child.pid);
    } finally {
      fs.closeSync(log);
    }
  }

  /** Ends it within its grace; after that it is killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#identity !== undefined && this.#ended === undefined)
      await stopProcess(this.#identity, { graceMs: this.#spec.stopGraceMs ?? APP_GRACE_MS });
    forgetProcess(this.#clone, this.name);
  }

  /** What it logged since its last start, at most a megabyte. */
  loggedSinceStart(): string {
    const file = fs.openSync(this.logFile, 'r');
    try {
      const buffer = Buffer.alloc(MAX_READ_BYTES);
      const length = fs.readSync(file, buffer, 0, buffer.length, this.#logStart);
      return buffer.toString('utf8', 0, length);
    } finally {
      fs.closeSync(file);
    }
  }

  /** The error that says how it ended, with what its log said last. */
  failure(): ToolError {
    const lines = this.loggedSinceStart().trimEnd().split('\n');
    // An app's own last words are plain text; everything else it logs is JSON.
    const words = lines.findLast((line) => line !== '' && !line.startsWith('{')) ?? `see ${this.logFile}`;
    const details = [`${this.logFile}:`, ...lines.slice(-TAIL_LINES).map((line) => line.slice(0, MAX_LINE_CHARS))];
    return new ToolError(`${this.name} ${this.#ended ?? 'is not ready'}: ${words}`, { details });
  }

  #exited(child: ChildProcess, how: string): void {
    if (this.#child !== child || this.#ended !== undefined) return;
    this.#ended = how;
    forgetProcess(this.#clone, this.name);
    if (!this.#stopping) this.#onExit(how);
  }

  #openLog(): number {
    fs.mkdirSync(path.dirname(this.logFile), { recursive: true, mode: 0o700 });
    const size = fs.statSync(this.logFile, { throwIfNoEntry: false })?.size ?? 0;
    if (size > MAX_LOG_BYTES) fs.renameSync(this.logFile, `${this.logFile}.1`);
    const log = fs.openSync(this.logFile, 'a', 0o600);
    this.#logStart = fs.fstatSync(log).size;
    return log;
  }
}
