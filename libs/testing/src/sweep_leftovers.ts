import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  deleteUsers,
  deleteVhosts,
  destroyPrivateServer,
  listUsers,
  listVhosts,
  unwrapAdminResult,
} from '@warren/provision';
import { dropLeftoverDatabases } from './temp_database.ts';
import { isLeftover } from './temp_names.ts';
import { dropLeftoverKeys } from './temp_redis.ts';
import { testBrokerAdmin } from './test_settings.ts';

async function dropLeftoverVhosts(): Promise<void> {
  const brokerAdmin = testBrokerAdmin();
  const [vhosts, users] = await Promise.all([listVhosts(brokerAdmin), listUsers(brokerAdmin)]);
  const deadVhosts = unwrapAdminResult(vhosts).filter(isLeftover);
  const deadUsers = unwrapAdminResult(users).filter(isLeftover);
  if (deadVhosts.length > 0) unwrapAdminResult(await deleteVhosts(brokerAdmin, deadVhosts));
  if (deadUsers.length > 0) unwrapAdminResult(await deleteUsers(brokerAdmin, deadUsers));
}

/** Directories of dead runs, and the private servers that may still run in them. */
async function dropLeftoverDirectories(): Promise<void> {
  const leftovers = (await fs.readdir(os.tmpdir())).filter(isLeftover);
  for (const root of leftovers.map((name) => path.join(os.tmpdir(), name))) {
    const parts = await fs.readdir(root).catch(() => []);
    for (const part of parts) await destroyPrivateServer(path.join(root, part));
    await fs.rm(root, { recursive: true, force: true });
  }
}

/**
 * Removes what test processes of this machine left on the test servers when they died: vhosts, users, databases,
 * roles, keys, private servers.
 */
export async function sweepLeftovers(): Promise<void> {
  await Promise.all([dropLeftoverVhosts(), dropLeftoverDatabases(), dropLeftoverKeys(), dropLeftoverDirectories()]);
}
