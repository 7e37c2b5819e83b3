import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort, listUsers, listVhosts, unwrapAdminResult } from '@warren/provision';
import { readTestSettings } from '@warren/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Clone, openClone } from '../clone/clone.ts';
import { ensureSecrets, settingsOf } from '../env/secrets.ts';
import { resetClone } from '../setup/reset_clone.ts';
import { runSetup } from '../setup/run_setup.ts';
import { removeBroker } from '../setup/setup_broker.ts';
import { chooseServers } from './choose_servers.ts';
import type { ServerPlaces } from './place.ts';
import { postgresRights } from './postgres_query.ts';
import { rabbitLoginFailure } from './rabbit_login.ts';
import { redisFailure } from './redis_session.ts';
import { readPlaces, writePlaces } from './server_state.ts';
import { brokerUrlOf, databaseUrlOf } from './service_urls.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const given = readTestSettings();
let clone: Clone;
let closedPort = 0;
let lines: string[] = [];

beforeAll(async () => {
  clone = openClone(root, fs.mkdtempSync(path.join(os.tmpdir(), 'warren tools ')));
  closedPort = await freePort();
  vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    lines.push(String(chunk));
    return true;
  });
});

afterAll(async () => {
  vi.restoreAllMocks();
  // After a test that failed half-way; after the others there is nothing left to remove.
  if (readPlaces(clone) !== undefined) await resetClone(clone, settings({}));
  fs.rmSync(clone.home, { recursive: true, force: true });
});

const settings = (extra: Record<string, string>): Record<string, string> => {
  ensureSecrets(clone);
  return { ...settingsOf(clone, {}), ...extra };
};

/** This clone's part of the servers of the test run. */
function placesOfTest(): ServerPlaces {
  const url = new URL(given.rabbitmqUrl);
  const broker = {
    url: `amqp://${url.host}`,
    vhost: `warren-${clone.id}`,
    userPrefix: `${clone.id}-`,
    admin: given.brokerAdmin,
  };
  const database = {
    adminUrl: given.databaseUrl,
    database: `warren_${clone.id}`,
    rolePrefix: `${clone.id}_`,
    singleRole: false,
  };
  return {
    rabbitmq: { kind: 'rabbitmq', origin: 'url', ...broker },
    postgres: { kind: 'postgres', origin: 'url', ...database },
    redis: { kind: 'redis', origin: 'url', url: given.redisUrl, keyPrefix: `warren-${clone.id}:` },
  };
}

test.each([
  ['RABBITMQ_URL', (port: number) => `amqp://guest:secret-password@127.0.0.1:${port}`, 'rabbitmq'],
  ['DATABASE_URL', (port: number) => `postgres://someone:secret-password@127.0.0.1:${port}/x`, 'postgres'],
  ['REDIS_URL', (port: number) => `redis://:secret-password@127.0.0.1:${port}`, 'redis'],
  ['RABBITMQ_URL', () => 'http://127.0.0.1', 'rabbitmq'],
  ['DATABASE_URL', () => 'nonsense', 'postgres'],
  ['REDIS_URL', () => 'nonsense', 'redis'],
])(
  'A given %s that does not work is an error that names it and no password, and nothing else is tried',
  async (name, url, server) => {
    const ports = { rabbitmq: closedPort, postgres: closedPort, redis: closedPort };
    const failure = await chooseServers(clone, settings({ [name]: url(closedPort) }), ports).catch((error: unknown) =>
      String(error),
    );
    expect(failure).toMatch(new RegExp(`${server}: ${name} is set, but`));
    expect(failure).not.toContain('secret-password');
    expect(fs.existsSync(path.join(clone.dataDir, server))).toBe(false);
  },
);

test('Set-up makes every login work, repeats in no time, heals a lost vhost, and a reset leaves nothing', {
  timeout: 120_000,
}, async () => {
  const places = placesOfTest();
  const values = settings({});
  writePlaces(clone, places);
  await runSetup(clone, places, values);
  expect(await rabbitLoginFailure(brokerUrlOf(places.rabbitmq, values, 'auth'))).toBeUndefined();
  expect(await postgresRights(databaseUrlOf(places.postgres, values, 'auth'))).toEqual({
    createDatabases: false,
    createRoles: false,
  });
  lines = [];
  await runSetup(clone, places, values);
  expect(lines.join('')).toContain('setup: nothing to do');
  await removeBroker(places.rabbitmq);
  await runSetup(clone, places, values);
  expect(await rabbitLoginFailure(brokerUrlOf(places.rabbitmq, values, 'ops'))).toBeUndefined();
  await resetClone(clone, values);
  expect(unwrapAdminResult(await listVhosts(given.brokerAdmin))).not.toContain(places.rabbitmq.vhost);
  expect(unwrapAdminResult(await listUsers(given.brokerAdmin)).filter((user) => user.startsWith(clone.id))).toEqual([]);
  await expect(postgresRights(databaseUrlOf(places.postgres, values, 'auth'))).rejects.toThrow();
  expect(readPlaces(clone)).toBeUndefined();
});

test('Without servers on the standard ports private ones are started; they are adopted by the next run and removed by a reset', {
  timeout: 180_000,
}, async () => {
  const values = settings({ RABBITMQ_URL: given.rabbitmqUrl });
  const ports = { rabbitmq: closedPort, postgres: closedPort, redis: closedPort };
  lines = [];
  const first = await chooseServers(clone, values, ports);
  expect([...first.started].sort()).toEqual(['postgres', 'redis']);
  expect(lines.join('')).toMatch(
    new RegExp(`postgres: step 4, private instance: .*nothing listens on port ${closedPort}`),
  );
  expect(await redisFailure(first.places.redis)).toBeUndefined();
  expect(await postgresRights(first.places.postgres.adminUrl)).toEqual({ createDatabases: true, createRoles: true });
  const second = await chooseServers(clone, values, ports);
  expect(second.started).toEqual([]);
  expect(second.places).toEqual(first.places);
  await resetClone(clone, values);
  expect(await redisFailure(first.places.redis)).toBeDefined();
  expect(fs.existsSync(clone.dataDir)).toBe(false);
});
