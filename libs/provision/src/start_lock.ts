import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { identifyProcess, isRunning } from './process_identity.ts';
import { ProvisionError } from './provision_error.ts';

const Holder = z.object({ pid: z.int(), startTime: z.string() });
const MAX_ATTEMPTS = 3;

function isHeld(file: string): boolean {
  try {
    return isRunning(Holder.parse(JSON.parse(fs.readFileSync(file, 'utf8'))));
  } catch {
    return false;
  }
}

function take(file: string): boolean {
  try {
    fs.writeFileSync(file, JSON.stringify(identifyProcess(process.pid)), { flag: 'wx', mode: 0o600 });
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs `work` while no other process starts a server in the same data folder. A lock left behind by a dead process
 * is broken.
 */
export async function withStartLock<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  // Others may pass through: the server's account must reach its own directory below. Every file here is private by
  // itself.
  fs.mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  const file = path.join(dataDir, 'start.lock');
  for (let attempt = 0; attempt < MAX_ATTEMPTS && !take(file); attempt += 1) {
    if (isHeld(file) || attempt === MAX_ATTEMPTS - 1) {
      throw new ProvisionError('PROVISION_DATA_DIR_BUSY', `Another process is starting a server in ${dataDir}.`);
    }
    fs.rmSync(file, { force: true });
  }
  try {
    return await work();
  } finally {
    fs.rmSync(file, { force: true });
  }
}
