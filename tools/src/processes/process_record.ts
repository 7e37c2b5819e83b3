import fs from 'node:fs';
import path from 'node:path';
import { identifyProcess, isRunning, type ProcessIdentity, stopProcess } from '@warren/provision';
import { z } from 'zod';
import { type Clone, writePrivateFile } from '../clone/clone.ts';

const ProcessRecord = z.object({ name: z.string(), pid: z.int().positive(), startTime: z.string().min(1) });
export type ProcessRecord = z.infer<typeof ProcessRecord>;

const recordFile = (clone: Clone, name: string): string => path.join(clone.runDir, `${name}.json`);
const OWNER = 'starter';

function read(file: string): ProcessRecord | undefined {
  try {
    return ProcessRecord.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Records a process of this clone, so that a later command can find it even when its starter was killed. */
export function recordProcess(clone: Clone, name: string, pid: number): ProcessIdentity | undefined {
  const identity = identifyProcess(pid);
  if (identity !== undefined) writePrivateFile(recordFile(clone, name), `${JSON.stringify({ name, ...identity })}\n`);
  return identity;
}

export function forgetProcess(clone: Clone, name: string): void {
  fs.rmSync(recordFile(clone, name), { force: true });
}

/** Processes of this clone that still run, by their records; records of ended ones are removed. The starter is not among them. */
export function runningProcesses(clone: Clone): ProcessRecord[] {
  const files = fs.readdirSync(clone.runDir).filter((name) => name.endsWith('.json') && name !== `${OWNER}.json`);
  return files.flatMap((file) => {
    const record = read(path.join(clone.runDir, file));
    if (record !== undefined && isRunning(record)) return [record];
    fs.rmSync(path.join(clone.runDir, file), { force: true });
    return [];
  });
}

/** Ends these processes, each only if it is still the one that was recorded. */
export async function endProcesses(clone: Clone, records: readonly ProcessRecord[], graceMs: number): Promise<void> {
  await Promise.all(
    records.map(async (record) => {
      await stopProcess(record, { graceMs });
      forgetProcess(clone, record.name);
    }),
  );
}

/** The `npm start` or `npm run dev` of this clone that runs now. */
export function runningStarter(clone: Clone): ProcessRecord | undefined {
  const record = read(recordFile(clone, OWNER));
  return record !== undefined && isRunning(record) ? record : undefined;
}

/** Makes this process the starter of the clone; false when another one is. */
export function becomeStarter(clone: Clone): boolean {
  const file = recordFile(clone, OWNER);
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      const identity = identifyProcess(process.pid);
      fs.writeFileSync(file, `${JSON.stringify({ name: OWNER, ...identity })}\n`, { flag: 'wx', mode: 0o600 });
      return true;
    } catch {
      if (runningStarter(clone) !== undefined) return false;
      fs.rmSync(file, { force: true });
    }
  }
  return false;
}

/** Takes `becomeStarter` back. */
export function retireStarter(clone: Clone): void {
  if (read(recordFile(clone, OWNER))?.pid === process.pid) forgetProcess(clone, OWNER);
}
