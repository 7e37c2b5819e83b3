import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { deleteUsers, deleteVhosts, listUsers, listVhosts, unwrapAdminResult } from '@warren/provision';
import { dropLeftoverDatabases } from './temp_database.ts';
import { isLeftover } from './temp_names.ts';
import { dropLeftoverKeys } from './temp_redis.ts';
import { removeVhosts } from './temp_vhost.ts';
import { readTestSettings } from './test_settings.ts';
import { createVhosts, fillPool, listPool, RUN_DIR_VARIABLE } from './vhost_pool.ts';

/** Vhosts prepared for a run; a run that needs more makes more. */
const POOL_SIZE = 24;

async function dropLeftoverVhosts(): Promise<void> {
  const { brokerAdmin } = readTestSettings();
  const [vhosts, users] = await Promise.all([listVhosts(brokerAdmin), listUsers(brokerAdmin)]);
  const deadVhosts = unwrapAdminResult(vhosts).filter(isLeftover);
  const deadUsers = unwrapAdminResult(users).filter(isLeftover);
  if (deadVhosts.length > 0) unwrapAdminResult(await deleteVhosts(brokerAdmin, deadVhosts));
  if (deadUsers.length > 0) unwrapAdminResult(await deleteUsers(brokerAdmin, deadUsers));
}

/** Vitest calls this once before all tests with real servers: sweeps up after crashed runs and prepares a pool of vhosts. */
export async function setup(): Promise<void> {
  const { brokerAdmin, rabbitmqUrl } = readTestSettings();
  const runDir = await fs.mkdtemp(path.join(os.tmpdir(), 'warren-test-run-'));
  const user = decodeURIComponent(new URL(rabbitmqUrl).username);
  const [names] = await Promise.all([
    createVhosts(brokerAdmin, user, POOL_SIZE),
    dropLeftoverVhosts(),
    dropLeftoverDatabases(),
    dropLeftoverKeys(),
  ]);
  await fillPool(runDir, names);
  process.env[RUN_DIR_VARIABLE] = runDir;
}

/** Vitest calls this once after all tests. */
export async function teardown(): Promise<void> {
  const runDir = process.env[RUN_DIR_VARIABLE];
  if (runDir === undefined) return;
  delete process.env[RUN_DIR_VARIABLE];
  await removeVhosts(await listPool(runDir));
  await fs.rm(runDir, { recursive: true, force: true });
}
