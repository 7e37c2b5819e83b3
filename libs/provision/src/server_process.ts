import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Account, startAs } from './account.ts';
import { identifyProcess, isRunning, type ProcessIdentity } from './process_identity.ts';
import { ProvisionError } from './provision_error.ts';
import { toolEnvironment } from './run_command.ts';

const POLL_MS = 50;
const KILL_WAIT_MS = 10_000;
const LOG_TAIL_BYTES = 4096;
const LOG_TAIL_LINES = 8;
/** A log that grew beyond this is begun anew at the next start. */
const MAX_LOG_BYTES = 20 * 1024 * 1024;

export interface StartSpec {
  command: readonly string[];
  cwd: string;
  logFile: string;
  env?: Record<string, string>;
  account?: Account | undefined;
}

function openLog(file: string): number {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return fs.openSync(file, size > MAX_LOG_BYTES ? 'w' : 'a', 0o600);
}

function spawned(child: ChildProcess, program: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      reject(
        new ProvisionError('PROVISION_COMMAND_FAILED', `${program} could not be started: ${cause.message}.`, { cause }),
      );
    });
  });
}

/**
 * Starts a server in a session of its own, so that Ctrl-C in the terminal reaches only the starter, which decides.
 * Output goes to `logFile`. The server does not keep the starter alive and survives it.
 */
export async function startServerProcess(spec: StartSpec): Promise<ProcessIdentity> {
  const { command, options } = startAs(spec.account, spec.command, spec.cwd);
  const [program = '', ...args] = command;
  const log = openLog(spec.logFile);
  try {
    const child = spawn(program, args, {
      ...options,
      env: toolEnvironment(spec.env),
      detached: true,
      stdio: ['ignore', log, log],
    });
    await spawned(child, program);
    child.unref();
    const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
    if (identity !== undefined) return identity;
    throw new ProvisionError('PROVISION_SERVER_EXITED', `${program} ended at once: ${logTail(spec.logFile)}`);
  } finally {
    fs.closeSync(log);
  }
}

/** The last lines of a log, on one line, to explain a failure. */
export function logTail(file: string): string {
  try {
    const text = fs.readFileSync(file, 'utf8').slice(-LOG_TAIL_BYTES).trimEnd();
    return text.split('\n').slice(-LOG_TAIL_LINES).join(' | ');
  } catch {
    return `no log in ${file}`;
  }
}

/** Sends a signal to exactly this process; false when it no longer runs. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Whether the process has ended, waiting at most `ms`. */
export async function waitForExit(identity: ProcessIdentity, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (isRunning(identity)) {
    if (performance.now() >= end) return false;
    await delay(POLL_MS);
  }
  return true;
}

export interface StopOptions {
  /** How long the process may take after `signal` before it is killed. */
  graceMs: number;
  signal?: NodeJS.Signals;
}

/** Asks the process to end, kills it after the grace. Resolves when it is gone, at once when it already was. */
export async function stopProcess(identity: ProcessIdentity, options: StopOptions): Promise<void> {
  if (!signalProcess(identity, options.signal ?? 'SIGTERM')) return;
  // A stopped process takes no signal but this one, and would otherwise sit out the whole grace.
  signalProcess(identity, 'SIGCONT');
  if (await waitForExit(identity, options.graceMs)) return;
  signalProcess(identity, 'SIGKILL');
  if (await waitForExit(identity, KILL_WAIT_MS)) return;
  throw new ProvisionError(
    'PROVISION_SERVER_WILL_NOT_STOP',
    `Process ${identity.pid} does not end, not even when killed.`,
  );
}
