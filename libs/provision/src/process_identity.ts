import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** A process that cannot be confused with a later one of the same number. `startTime` is opaque text. */
export interface ProcessIdentity {
  pid: number;
  startTime: string;
}

// Field 22 of /proc/<pid>/stat, counted after the command name, which may itself hold spaces and parentheses.
const STATE_FIELD = 0;
const START_TIME_FIELD = 19;

function statFields(pid: number): string[] | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
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

/** When the process started, as text to compare; undefined when no such process runs (a zombie does not run). */
function processStartTime(pid: number): string | undefined {
  if (process.platform !== 'linux') return startTimeByPs(pid);
  const fields = statFields(pid);
  const state = fields?.[STATE_FIELD];
  if (state === undefined || state === 'Z' || state === 'X') return undefined;
  return fields?.[START_TIME_FIELD];
}

/** The identity of a running process, or undefined. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startTime = processStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** Whether exactly this process still runs; false when its number went to another one. */
export function isRunning(identity: ProcessIdentity): boolean {
  return processStartTime(identity.pid) === identity.startTime;
}
