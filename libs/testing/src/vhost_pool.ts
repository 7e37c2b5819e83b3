import fs from 'node:fs/promises';
import path from 'node:path';
import { type BrokerAdmin, importDefinitions, unwrapAdminResult } from '@warren/provision';
import { siblingName, tempName } from './temp_names.ts';

/** Environment variable by which the global setup tells the worker processes where the pool is. */
export const RUN_DIR_VARIABLE = 'WARREN_TEST_RUN_DIR';

const freeDir = (runDir: string): string => path.join(runDir, 'free');
const takenDir = (runDir: string): string => path.join(runDir, 'taken');
/** Given back, and waiting for enough others to be deleted in one call. */
const doneDir = (runDir: string): string => path.join(runDir, 'done');
const goneDir = (runDir: string): string => path.join(runDir, 'gone');

/**
 * Given-back vhosts are deleted in batches of this size. They must not pile up until the end of the run: every quorum
 * queue counts against the broker's open files, and a broker that runs out of them hangs.
 */
const DELETE_BATCH = 3;

/**
 * Creates vhosts in which `user` may do everything, all in one call to the broker; resolves to their names. Those of a
 * pool belong to the run: a worker that fills it up ends before they are used.
 */
export async function createVhosts(
  admin: BrokerAdmin,
  user: string,
  count: number,
  runDir?: string,
): Promise<string[]> {
  const newName = (): string => (runDir === undefined ? tempName() : siblingName(path.basename(runDir)));
  const names = Array.from({ length: count }, newName);
  const all = { user, configure: '.*', write: '.*', read: '.*' };
  const definitions = {
    vhosts: names.map((name) => ({ name })),
    permissions: names.map((vhost) => ({ ...all, vhost })),
  };
  unwrapAdminResult(await importDefinitions(admin, definitions));
  return names;
}

/** Puts names into the pool: one empty file per free vhost. */
export async function fillPool(runDir: string, names: readonly string[]): Promise<void> {
  const dirs = [freeDir(runDir), takenDir(runDir), doneDir(runDir), goneDir(runDir)];
  await Promise.all(dirs.map((dir) => fs.mkdir(dir, { recursive: true })));
  await Promise.all(names.map((name) => fs.writeFile(path.join(freeDir(runDir), name), '')));
}

/** Takes one vhost out of the pool, safely against other processes; undefined when none is left. */
export async function takeFromPool(runDir: string): Promise<string | undefined> {
  for (const name of await fs.readdir(freeDir(runDir))) {
    // Renaming is what makes the claim atomic: of two workers one finds the file gone.
    if (await move(name, freeDir(runDir), takenDir(runDir))) return name;
  }
  return undefined;
}

/** Moves the file of a vhost; false when another process was faster. */
async function move(name: string, from: string, to: string): Promise<boolean> {
  try {
    await fs.rename(path.join(from, name), path.join(to, name));
    return true;
  } catch {
    return false;
  }
}

/** Gives a used vhost back; resolves to the names that the caller has to delete now, none or a batch. */
export async function giveBack(runDir: string, name: string): Promise<string[]> {
  await move(name, takenDir(runDir), doneDir(runDir));
  const waiting = await fs.readdir(doneDir(runDir));
  if (waiting.length < DELETE_BATCH) return [];
  const mine = await Promise.all(waiting.map((other) => move(other, doneDir(runDir), goneDir(runDir))));
  return waiting.filter((_, index) => mine[index] === true);
}

/** Every vhost of the pool that may still be on the broker. */
export async function listPool(runDir: string): Promise<string[]> {
  const dirs = [freeDir(runDir), takenDir(runDir), doneDir(runDir)];
  return (await Promise.all(dirs.map((dir) => fs.readdir(dir)))).flat();
}

/** Every vhost that went through the pool, deleted or not. */
export async function listEver(runDir: string): Promise<string[]> {
  return [...(await listPool(runDir)), ...(await fs.readdir(goneDir(runDir)))];
}
