import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SERVICES } from '@warren/rabbit';
import { type PrivateServers, privateServers } from '@warren/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environmentOf, interpolate, parseCompose, readRepoFile } from './support/compose_file.ts';
import { buildImageFolder, fetchPackages } from './support/image_folder.ts';
import { NodeRun, runNode } from './support/run_node.ts';
import { freshSecrets } from './support/secrets.ts';

const IMAGES = [...SERVICES.map(({ app }) => app), 'example-game-server', 'tools'];
const BUILD_TIMEOUT_MS = 600_000;
/** What a package of the tests or of the build would bring; none belongs into an image. */
const DEVELOPMENT = ['vitest', 'typescript', 'vite', 'oxlint', 'fast-check', '@biomejs+biome', 'knip'];

const compose = parseCompose(readRepoFile('docker-compose.yml'));
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-image-'));
const folderOf = (app: string): string => path.join(root, app);
let servers: PrivateServers;
let secrets: Record<string, string>;
/** Turns a URL between containers into one to the servers of this test. */
let here: (url: string) => string;

beforeAll(async () => {
  fetchPackages(folderOf('fetch'));
  for (const app of IMAGES) buildImageFolder(app, folderOf(app));
  servers = await privateServers();
  const [rabbit, postgres, redis] = await Promise.all([
    servers.rabbit({ management: true }),
    servers.postgres(),
    servers.redis(),
  ]);
  const api = new URL(rabbit.managementUrl ?? '');
  const database = new URL(postgres.url);
  secrets = {
    ...freshSecrets(),
    RABBITMQ_ADMIN_PASSWORD: api.password,
    POSTGRES_PASSWORD: database.password,
    REDIS_PASSWORD: new URL(redis.url).password,
  };
  const places = new Map([
    ['rabbitmq:15672', `127.0.0.1:${api.port}`],
    ['rabbitmq:5672', `127.0.0.1:${rabbit.port}`],
    ['postgres:5432', `127.0.0.1:${postgres.port}`],
    ['redis:6379', `127.0.0.1:${redis.port}`],
    ['//admin:', `//${api.username}:`],
    ['//postgres:', `//${database.username}:`],
    ['//:', secrets['REDIS_PASSWORD'] === '' ? '//' : '//:'],
  ]);
  here = (url) => [...places].reduce((text, [from, to]) => text.replace(from, to), url);
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await servers?.destroy();
  fs.rmSync(root, { recursive: true, force: true });
}, BUILD_TIMEOUT_MS);

/** Every file that is not an installed package. */
function filesBelow(folder: string, prefix = ''): string[] {
  const entries = fs
    .readdirSync(path.join(folder, prefix), { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules');
  return entries.flatMap((entry) => {
    const file = path.join(prefix, entry.name);
    return entry.isDirectory() ? filesBelow(folder, file) : [file];
  });
}

/** The environment of a compose service on the servers of this test, on ports that are free. */
function environmentHere(service: string): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(environmentOf(compose, service, secrets))) env[name] = here(value);
  return { ...env, ADMIN_HOST: '127.0.0.1', ADMIN_PORT: '0', GATEWAY_PORT: '0' };
}

describe('the folder of an image', () => {
  test.each(IMAGES)('%s has no test, no secret and no package that only development needs', (app) => {
    const folder = folderOf(app);
    const files = filesBelow(folder);
    expect(files).toContain(path.join('libs', 'kernel', 'src', 'index.ts'));
    expect(files.filter((file) => /\.i?test\.ts$|(^|\/)\.(env|git|warren)/.test(file))).toEqual([]);
    const packages = fs.readdirSync(path.join(folder, 'node_modules', '.pnpm'));
    expect(packages.filter((name) => DEVELOPMENT.some((start) => name.startsWith(`${start}@`)))).toEqual([]);
  });

  test.each(SERVICES.map(({ app }) => app))(
    '%s finds every module, and says in one line what settings it lacks',
    async (app) => {
      const script = `apps/${app}/src/main.ts`;
      const { code, stderr } = await runNode({
        folder: folderOf(app),
        args: [script],
        env: { NODE_ENV: 'production' },
      });
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain('Settings are not usable: ');
      expect(stderr).toContain('RABBITMQ_URL is missing');
      expect(code).toBe(1);
    },
  );

  test('the example game server finds every module, and says what settings it lacks', async () => {
    const command = compose.services['game-server']?.command?.slice(1) ?? [];
    const { code, stderr } = await runNode({ folder: folderOf('example-game-server'), args: command, env: {} });
    expect(stderr).toContain('WARREN_GATEWAY_URL');
    expect(stderr).not.toContain('ERR_MODULE_NOT_FOUND');
    expect(code).not.toBe(0);
  });
});

test('the set-up of the compose file creates everything the apps need, twice, and every app then gets ready in production', async () => {
  const command = compose.services['setup']?.command?.slice(1) ?? [];
  const WARREN_HOME = path.join(root, 'setup-home');
  const setup = { folder: folderOf('tools'), args: command, env: { ...environmentHere('setup'), WARREN_HOME } };
  for (const expected of [/vhost warren, database warren, [1-9]\d* migrations/, /nothing to do/]) {
    const { code, stdout, stderr } = await runNode(setup);
    expect(stderr).toBe('');
    expect(stdout).toMatch(expected);
    expect(code).toBe(0);
  }
  // A new container knows nothing of the last one.
  fs.rmSync(WARREN_HOME, { recursive: true });
  expect((await runNode(setup)).code).toBe(0);

  const apps = SERVICES.map(({ app }) => ({
    app,
    run: new NodeRun({ folder: folderOf(app), args: [`apps/${app}/src/main.ts`], env: environmentHere(app) }),
  }));
  for (const { app, run } of apps) {
    const { adminUrl } = await run.logged('ready');
    expect((await fetch(`${String(adminUrl)}/readyz`)).status, app).toBe(200);
    expect(await healthcheck(app, new URL(String(adminUrl)).port), app).toBe(0);
  }
  for (const { app, run } of apps.toReversed()) {
    const { code, stderr } = await run.stop();
    expect(stderr, app).toBe('');
    expect(code, app).toBe(0);
  }
  expect(await healthcheck('gateway', '1')).toBe(1);
}, 240_000);

/** Runs the health check of a compose service as the engine would. */
async function healthcheck(service: string, port: string): Promise<number | null> {
  const [, , ...args] = compose.services[service]?.healthcheck?.test ?? [];
  const { code } = await runNode({
    folder: folderOf(service),
    args: args.map((arg) => interpolate(arg, {})),
    env: { ADMIN_PORT: port },
  });
  return code;
}
