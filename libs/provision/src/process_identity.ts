import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** A process that cannot be confused with a later one of the same number. `startTime` is opaque text. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

// Field 22 of /proc/<pid>/stat, counted after the command name, which may itself hold spaces and parentheses.
const STATE_FIELD = 0;
const THREADS_FIELD = 17;
const START_TIME_FIELD = 19;

/**
 * When a process started, from the text of its /proc/<pid>/stat; undefined when it does not run. A zombie does not run, unless
 * its first thread alone has ended: the others hold its ports and files until they end too.
 */
export function startTimeOf(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[STATE_FIELD];
  if (state === 'X' || (state === 'Z' && Number(fields[THREADS_FIELD]) <= 1)) return undefined;
  return fields[START_TIME_FIELD];
}

function startTimeByProc(pid: number): string | undefined {
  try {
    return startTimeOf(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

function startTimeByPs(pid: number): string | undefined {
  try {
    const text = execFileSync('/bin/ps', ['-p', String(pid), '-o', 'lstart='], { encoding: 'utf8', stdio: 'pipe' });
    return text.trim().replaceAll(/\W+/g, '-') || undefined;
  } catch {
    return undefined;
  }
}

/** As text to compare. */
const processStartTime = (pid: number): string | undefined =>
  process.platform === 'linux' ? startTimeByProc(pid) : startTimeByPs(pid);

/** The identity of a running process, or undefined. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startTime = processStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** Whether exactly this process still runs; false when its number went to another one. */
export function isRunning(identity: ProcessIdentity): boolean {
  return processStartTime(identity.pid) === identity.startTime;
}
