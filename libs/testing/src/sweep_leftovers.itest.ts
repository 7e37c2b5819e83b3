import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { listUsers, listVhosts, probePort, unwrapAdminResult } from '@warren/provision';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, test } from 'vitest';
import { sweepLeftovers } from './sweep_leftovers.ts';
import { tempDatabase } from './temp_database.ts';
import { tempVhost } from './temp_vhost.ts';
import { testBrokerAdmin, testDatabaseUrl, testRedisUrl } from './test_settings.ts';

const INDEX = fileURLToPath(new URL('./index.ts', import.meta.url));

const SCRIPT = `
const { tempVhost, tempDatabase, tempRedis, importIntoVhost, privateServers } = await import(${JSON.stringify(INDEX)});
const [vhost, database, redis] = await Promise.all([tempVhost(), tempDatabase(), tempRedis()]);
await importIntoVhost(vhost, { users: [{ name: vhost.userPrefix + 'auth', password: 'x' }] });
const privateRedis = await (await privateServers()).redis();
const made = { vhost: vhost.name, database: database.name, prefix: redis.keyPrefix, port: privateRedis.port };
console.log(JSON.stringify(made));
process.stdin.resume();
`;

interface Made {
  vhost: string;
  database: string;
  prefix: string;
  port: number;
}

/** A test process that makes one thing of each kind, outside of any pool, and is killed. */
async function crashedRun(during: (made: Made) => Promise<void>): Promise<Made> {
  const env = { ...process.env, WARREN_TEST_RUN_DIR: '' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [output] = (await once(child.stdout, 'data')) as unknown[];
  const made = JSON.parse(String(output)) as Made;
  await during(made);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return made;
}

async function exists(made: Made): Promise<boolean[]> {
  const admin = testBrokerAdmin();
  const client = new pg.Client({ connectionString: testDatabaseUrl() });
  const redis = new Redis(testRedisUrl());
  await client.connect();
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [made.database]);
  const keys = await redis.exists(`${made.prefix}key`);
  await client.end();
  redis.disconnect();
  const [vhosts, users] = await Promise.all([listVhosts(admin), listUsers(admin)]);
  const isThere = [
    unwrapAdminResult(vhosts).includes(made.vhost),
    unwrapAdminResult(users).includes(`${made.vhost}-auth`),
  ];
  return [...isThere, found.rowCount === 1, keys === 1, await probePort('127.0.0.1', made.port)];
}

test('What a crashed run left is swept up; what living runs use is not', async () => {
  const [mine, database] = await Promise.all([tempVhost(), tempDatabase()]);
  const made = await crashedRun(async (alive) => {
    const redis = new Redis(testRedisUrl());
    await redis.set(`${alive.prefix}key`, '1');
    redis.disconnect();
    await sweepLeftovers();
    expect(await exists(alive)).toEqual([true, true, true, true, true]);
  });
  await sweepLeftovers();
  expect(await exists(made)).toEqual([false, false, false, false, false]);
  expect(unwrapAdminResult(await listVhosts(testBrokerAdmin()))).toContain(mine.name);
  await database.drop();
});
