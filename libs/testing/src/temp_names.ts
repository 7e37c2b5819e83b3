import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import { identifyProcess, isRunning } from '@warren/provision';

const PREFIX = 'warren_test';
const OWNER_PATTERN = /^warren_test_([0-9a-f]{6})_(\d+)_([\w-]+?)_/;

// A process number means something only on the machine (and in the container) that gave it, and several may share one
// server.
function placeTag(): string {
  let namespace = '';
  try {
    namespace = fs.readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has process namespaces.
  }
  return createHash('sha256').update(`${os.hostname()}\0${namespace}`).digest('hex').slice(0, 6);
}

const PLACE = placeTag();
const OWNER = `${PREFIX}_${PLACE}_${process.pid}_${identifyProcess(process.pid)?.startTime ?? '0'}_`;

/**
 * A new name for a temporary thing on a shared server: letters, digits and `_`, at most 63 characters; it tells
 * which process owns it.
 */
export function tempName(): string {
  return `${OWNER}${randomBytes(4).toString('hex')}`;
}

/** A new name with the owner of another one: for what outlives the worker process that makes it. */
export function siblingName(name: string): string {
  return `${name.slice(0, -8)}${randomBytes(4).toString('hex')}`;
}

/** Whether the name belongs to this process. */
export function isOwnName(name: string): boolean {
  return name.startsWith(OWNER);
}

/** Whether the name was made on this machine by a process that no longer runs. */
export function isLeftover(name: string): boolean {
  const match = OWNER_PATTERN.exec(name);
  const [, place, pid, startTime] = match ?? [];
  if (place !== PLACE || pid === undefined || startTime === undefined) return false;
  return !isRunning({ pid: Number(pid), startTime });
}

/** Every temporary name of every process begins so. */
export const TEMP_NAME_PREFIX = `${PREFIX}_`;
