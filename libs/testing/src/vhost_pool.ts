import fs from 'node:fs/promises';
import path from 'node:path';
import { type BrokerAdmin, importDefinitions, unwrapAdminResult } from '@warren/provision';
import { tempName } from './temp_names.ts';

/** Environment variable by which the global setup tells the worker processes where the pool is. */
export const RUN_DIR_VARIABLE = 'WARREN_TEST_RUN_DIR';

const freeDir = (runDir: string): string => path.join(runDir, 'free');
const takenDir = (runDir: string): string => path.join(runDir, 'taken');

/** Creates vhosts in which `user` may do everything, all in one call to the broker; resolves to their names. */
export async function createVhosts(admin: BrokerAdmin, user: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, tempName);
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
  await Promise.all([freeDir(runDir), takenDir(runDir)].map((dir) => fs.mkdir(dir, { recursive: true })));
  await Promise.all(names.map((name) => fs.writeFile(path.join(freeDir(runDir), name), '')));
}

/** Takes one vhost out of the pool, safely against other processes; undefined when none is left. */
export async function takeFromPool(runDir: string): Promise<string | undefined> {
  for (const name of await fs.readdir(freeDir(runDir))) {
    try {
      // Renaming is what makes the claim atomic: of two workers one finds the file gone.
      await fs.rename(path.join(freeDir(runDir), name), path.join(takenDir(runDir), name));
      return name;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Every vhost that went through the pool, free or taken. */
export async function listPool(runDir: string): Promise<string[]> {
  const lists = await Promise.all([freeDir(runDir), takenDir(runDir)].map((dir) => fs.readdir(dir)));
  return lists.flat();
}
