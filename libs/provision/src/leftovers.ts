import fs from 'node:fs';
import path from 'node:path';
import { identifyProcess, type ProcessIdentity } from './process_identity.ts';
import { stopProcess } from './server_process.ts';

/** Only these are ever ended: a shell that somebody left in the directory is not ours. */
const SERVER_NAMES = new Set(['beam.smp', 'epmd', 'postgres', 'redis-server']);
const GRACE_MS = 10_000;

function workingDirectory(pid: number): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function commandName(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function runningPids(): number[] {
  try {
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/**
 * Server processes that work inside `home`, which belongs to one private server alone. Finds those whose state file
 * was lost, and the
 * children of a Postgres that was killed. Linux only; elsewhere the state file has to do.
 */
function processesOf(home: string): ProcessIdentity[] {
  const inside = (directory: string): boolean => directory === home || directory.startsWith(home + path.sep);
  return runningPids()
    .filter((pid) => inside(workingDirectory(pid) ?? '') && SERVER_NAMES.has(commandName(pid)))
    .map((pid) => identifyProcess(pid))
    .filter((identity) => identity !== undefined);
}

/** Ends every server process that works inside `home`: two servers on the same files would destroy them. */
export async function endProcessesOf(home: string): Promise<void> {
  await Promise.all(processesOf(home).map((identity) => stopProcess(identity, { graceMs: GRACE_MS })));
}
