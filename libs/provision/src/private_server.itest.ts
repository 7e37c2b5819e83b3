import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BrokerAdmin, BrokerAdmin as BrokerAdminSchema } from './admin_operations.ts';
import {
  deleteUsers,
  deleteVhosts,
  exportDefinitions,
  importDefinitions,
  listQueues,
  listUsers,
  listVhosts,
  unwrapAdminResult,
} from './broker_admin.ts';
import { listenersOn } from './listening.ts';
import { probePort } from './ports.ts';
import { adoptPrivatePostgres, startPrivatePostgres } from './private_postgres.ts';
import { adoptPrivateRabbit, startPrivateRabbit } from './private_rabbit.ts';
import { adoptPrivateRedis, startPrivateRedis } from './private_redis.ts';
import { hashRabbitPassword, RABBIT_HASHING_ALGORITHM } from './rabbit_password.ts';

let root: string;

beforeAll(() => {
  // Only the owner may enter, the path has spaces and is longer than a socket's name may be.
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'warren place with spaces '));
  root = path.join(root, 'a folder name that goes on and on '.repeat(4).trim());
  fs.mkdirSync(root);
});

afterAll(() => fs.rmSync(path.dirname(root), { recursive: true, force: true }));

const place = (name: string): string => path.join(root, name);

async function bindsOnlyLoopback(pid: number): Promise<boolean> {
  const addresses = ['/proc/net/tcp', '/proc/net/tcp6'].map((table) => ({
    table,
    text: fs.readFileSync(table, 'utf8'),
  }));
  const inodes = new Set(
    fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined;
      }
    }),
  );
  const listening = addresses
    .flatMap(({ text }) => text.split('\n').map((line) => line.trim().split(/\s+/)))
    .filter((f) => f[3] === '0A' && inodes.has(f[9]));
  return listening.length > 0 && listening.every((fields) => fields[1]?.startsWith('0100007F:'));
}

test('A Redis started again in its folder is the same one; stopped, it is not found', async () => {
  const dataDir = place('redis');
  const first = await startPrivateRedis({ dataDir });
  expect((await startPrivateRedis({ dataDir })).pid).toBe(first.pid);
  expect((await adoptPrivateRedis(dataDir))?.url).toBe(first.url);
  expect(await bindsOnlyLoopback(first.pid)).toBe(true);
  await first.stop();
  expect(await adoptPrivateRedis(dataDir)).toBeUndefined();
  const second = await startPrivateRedis({ dataDir });
  expect(second.url).toBe(first.url);
  expect(fs.statSync(path.join(dataDir, 'server.json')).mode & 0o077).toBe(0);
  await second.destroy();
  expect(fs.existsSync(dataDir)).toBe(false);
});

const REDIS_MODULE = fileURLToPath(new URL('./private_redis.ts', import.meta.url));

async function startInOtherProcess(dataDir: string, detached: boolean): Promise<void> {
  const options = JSON.stringify({ dataDir, detached });
  const script = [
    `const { startPrivateRedis } = await import(${JSON.stringify(REDIS_MODULE)});`,
    `await startPrivateRedis(${options});`,
    'process.exit(0);',
  ].join('\n');
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as unknown[];
  expect(code).toBe(0);
}

test('A detached server outlives its starter, another one ends with it', async () => {
  await startInOtherProcess(place('detached'), true);
  const survivor = await adoptPrivateRedis(place('detached'));
  expect(survivor).toBeDefined();
  await survivor?.destroy();
  await startInOtherProcess(place('attached'), false);
  await expect.poll(() => adoptPrivateRedis(place('attached')), { timeout: 10_000 }).toBeUndefined();
  await (await startPrivateRedis({ dataDir: place('attached') })).destroy();
});

test('A fixed port that is taken is an error', async () => {
  const holder = await startPrivateRedis({ dataDir: place('holder') });
  const late = startPrivateRedis({ dataDir: place('late'), port: holder.port });
  await expect(late).rejects.toMatchObject({ code: 'PROVISION_NO_FREE_PORT' });
  await holder.destroy();
});

test('A Postgres whose record was lost is ended, and its data is set aside, not destroyed', async () => {
  // In a folder that Postgres itself may reach, so that its home is inside.
  const open = fs.mkdtempSync(path.join(os.tmpdir(), 'warren open '));
  fs.chmodSync(open, 0o711);
  const dataDir = path.join(open, 'postgres');
  const first = await startPrivatePostgres({ dataDir, durable: false });
  fs.rmSync(path.join(dataDir, 'server.json'));
  const lines: string[] = [];
  const second = await startPrivatePostgres({ dataDir, durable: false, onProgress: (line) => lines.push(line) });
  expect(await probePort('127.0.0.1', first.port)).toBe(second.port === first.port);
  expect(fs.readdirSync(dataDir).filter((name) => name.startsWith('home.lost-'))).toHaveLength(1);
  expect(lines.join('\n')).toContain('set aside');
  expect(await bindsOnlyLoopback(second.pid)).toBe(true);
  await second.kill('SIGKILL');
  expect(await adoptPrivatePostgres(dataDir)).toBeUndefined();
  await second.destroy();
  fs.rmSync(open, { recursive: true, force: true });
});

test('A server that cannot start says why', async () => {
  const dataDir = place('broken');
  const server = await startPrivatePostgres({ dataDir, durable: false });
  await server.stop();
  const { home } = JSON.parse(fs.readFileSync(path.join(dataDir, 'server.json'), 'utf8')) as { home: string };
  fs.appendFileSync(path.join(home, 'data', 'postgresql.conf'), 'no_such_setting = 1\n');
  await expect(startPrivatePostgres({ dataDir })).rejects.toMatchObject({
    code: 'PROVISION_SERVER_EXITED',
    message: expect.stringContaining('no_such_setting') as unknown,
  });
  await server.destroy();
});

async function exercise(admin: BrokerAdmin, name: string): Promise<void> {
  const user = { name, password_hash: hashRabbitPassword('x'), hashing_algorithm: RABBIT_HASHING_ALGORITHM, tags: [] };
  const queue = { name: 'q', vhost: name, durable: true, auto_delete: false, arguments: {} };
  const exchange = { name: 'e', vhost: name, type: 'topic', durable: true, auto_delete: false, internal: false };
  const parts = {
    permissions: [{ user: name, vhost: name, configure: '^a$', write: '', read: '.*' }],
    topic_permissions: [{ user: name, vhost: name, exchange: 'e', write: '^a$', read: '(?!)' }],
    exchanges: [{ ...exchange, arguments: { 'alternate-exchange': 'f' } }],
    queues: [{ ...queue, arguments: { 'x-max-length': 7 } }],
    bindings: [
      { source: 'e', vhost: name, destination: 'q', destination_type: 'queue', routing_key: 'a.#', arguments: {} },
    ],
    policies: [
      { vhost: name, name: 'p', pattern: '^q$', 'apply-to': 'queues', definition: { 'max-length': 9 }, priority: 1 },
    ],
  } as const;
  const definitions = { vhosts: [{ name }], users: [user], ...parts };
  unwrapAdminResult(await importDefinitions(admin, definitions));
  expect(unwrapAdminResult(await listVhosts(admin))).toContain(name);
  expect(unwrapAdminResult(await listUsers(admin))).toContain(name);
  const exported = unwrapAdminResult(await exportDefinitions(admin));
  expect(exported.users).toContainEqual({ name, tags: [] });
  for (const [part, items] of Object.entries(parts))
    expect(exported, part).toMatchObject({
      [part]: expect.arrayContaining(items.map((item) => expect.objectContaining(item) as unknown)) as unknown,
    });
  const queues = async () => unwrapAdminResult(await listQueues(admin, name));
  await expect.poll(queues, { timeout: 20_000 }).toEqual([{ name: 'q', type: 'classic', messages: 0, consumers: 0 }]);
  unwrapAdminResult(await deleteVhosts(admin, [name, 'never was']));
  unwrapAdminResult(await deleteUsers(admin, [name, 'never was']));
  expect(unwrapAdminResult(await listVhosts(admin))).toEqual(['/']);
  expect(unwrapAdminResult(await listUsers(admin))).toEqual(['warren']);
}

test('A RabbitMQ is administered alike by its tool and by the management API, and leaves nothing behind', async () => {
  const dataDir = place('rabbit');
  const server = await startPrivateRabbit({ dataDir, management: true });
  expect((await adoptPrivateRabbit(dataDir))?.admin).toEqual(server.admin);
  expect(await bindsOnlyLoopback(server.pid)).toBe(true);
  await exercise(server.admin, 'a "strange" $name`with` \\ everything');
  const http = BrokerAdminSchema.parse({ kind: 'http', url: server.managementUrl });
  await exercise(http, 'a "strange" name/with #everything');
  const cookieOfSomebodyElse = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-cookie-'));
  fs.writeFileSync(path.join(cookieOfSomebodyElse, '.erlang.cookie'), 'another', { mode: 0o600 });
  const ctl = BrokerAdminSchema.parse({
    ...server.admin,
    env: { ...('env' in server.admin ? server.admin.env : {}), HOME: cookieOfSomebodyElse },
  });
  expect(await listUsers(ctl)).toMatchObject({ ok: false, reason: 'not_permitted' });
  fs.rmSync(cookieOfSomebodyElse, { recursive: true });
  const wrong = new URL(server.managementUrl ?? '');
  wrong.password = 'wrong';
  expect(await listUsers({ kind: 'http', url: wrong.href })).toMatchObject({ ok: false, reason: 'not_permitted' });
  const { rabbit } = JSON.parse(fs.readFileSync(path.join(dataDir, 'server.json'), 'utf8')) as {
    rabbit: { epmdPort: number };
  };
  expect(await probePort('127.0.0.1', rabbit.epmdPort)).toBe(true);
  await server.stop();
  expect(listenersOn(new Set([rabbit.epmdPort, server.port]))).toEqual([]);
  expect(await listUsers(server.admin)).toMatchObject({ ok: false, reason: 'unreachable' });
  // the tool would start one to ask it for a broker
  expect(listenersOn(new Set([rabbit.epmdPort]))).toEqual([]);
  await server.destroy();
  expect(fs.existsSync(dataDir)).toBe(false);
});
