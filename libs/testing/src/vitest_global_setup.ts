import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { sweepLeftovers } from './sweep_leftovers.ts';
import { tempName } from './temp_names.ts';
import { removeVhosts } from './temp_vhost.ts';
import { readTestSettings } from './test_settings.ts';
import { createVhosts, fillPool, listEver, listPool, RUN_DIR_VARIABLE } from './vhost_pool.ts';

/** Vhosts prepared for a run; a run that needs more makes more. */
const POOL_SIZE = 24;

/**
 * Vitest calls this once before all tests with real servers: sweeps up after crashed runs and prepares a pool of
 * vhosts.
 */
export async function setup(): Promise<void> {
  const { brokerAdmin, rabbitmqUrl } = readTestSettings();
  const runDir = path.join(os.tmpdir(), tempName());
  const user = decodeURIComponent(new URL(rabbitmqUrl).username);
  const [names] = await Promise.all([createVhosts(brokerAdmin, user, POOL_SIZE), sweepLeftovers()]);
  await fillPool(runDir, names);
  process.env[RUN_DIR_VARIABLE] = runDir;
}

/** Vitest calls this once after all tests. */
export async function teardown(): Promise<void> {
  const runDir = process.env[RUN_DIR_VARIABLE];
  if (runDir === undefined) return;
  delete process.env[RUN_DIR_VARIABLE];
  await removeVhosts(await listPool(runDir), await listEver(runDir));
  await fs.rm(runDir, { recursive: true, force: true });
}
