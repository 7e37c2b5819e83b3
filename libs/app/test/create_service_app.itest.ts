import { randomUUID } from 'node:crypto';
import { CREATE_TICKET, type TicketReply } from '@warren/contracts';
import { silentLogger } from '@warren/kernel';
import type { Database } from '@warren/postgres';
import { RabbitLink, RpcClient } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { faultProxy, tempDatabase, tempVhost } from '@warren/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createServiceApp, type RunningService } from '../src/index.ts';
import type { BackgroundTask } from '../src/service_definition.ts';
import { AppKit, type Env, until } from './app_kit.ts';
import { type TinyOptions, tinyService } from './fixtures/tiny_service.ts';

const REPLY: TicketReply = {
  ticket_id: randomUUID(),
  state: 'waiting',
  mode: 'duel',
  game_id: null,
  failure: null,
} as unknown as TicketReply;

let kit: AppKit;
const running = new Set<RunningService>();
const cleanUp: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  kit = await AppKit.open();
});

afterEach(async () => {
  for (const service of running) await service.stop();
  running.clear();
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

afterAll(() => kit.close());

async function start(env: Env = {}, options: TinyOptions = {}): Promise<RunningService> {
  const service = await createServiceApp(tinyService({ reply: REPLY, ...options }), kit.env(env));
  running.add(service);
  return service;
}

async function missing(adminUrl: string): Promise<Record<string, string>> {
  const response = await fetch(`${adminUrl}/readyz`);
  const body: unknown = await response.json();
  return response.ok || typeof body !== 'object' || body === null || !('missing' in body)
    ? {}
    : (body.missing as Record<string, string>);
}

async function proxyTo(url: string, port: number) {
  const target = new URL(url);
  const proxy = await faultProxy({ target: { host: target.hostname, port: Number(target.port || port) } });
  cleanUp.push(() => proxy.close());
  return { proxy, url: proxy.through(url) };
}

async function freeAdminPort(): Promise<number> {
  const probe = await faultProxy({ target: { host: '127.0.0.1', port: 9 } });
  await probe.close();
  return probe.port;
}

test('a service is ready, says so, and shows its metrics', async () => {
  const { adminUrl } = await start();
  expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
  expect((await fetch(`${adminUrl}/livez`)).status).toBe(200);
  const metrics = async (): Promise<string> => (await fetch(`${adminUrl}/metrics`)).text();
  expect(await metrics()).toContain('warren_commands_running');
  for (const queue of ['warren.unroutable', 'coordinator.dead'])
    await until(async () => (await metrics()).includes(`warren_rabbit_queue_messages{queue="${queue}",`));
});

test.each([
  ['postgres', 'DATABASE_URL', 5_432],
  ['redis', 'REDIS_URL', 6_379],
  ['rabbitmq-publish', 'RABBITMQ_URL', 5_672],
] as const)(
  'while %s is absent /readyz names it, and the service becomes ready when it comes',
  async (name, setting, port) => {
    const { proxy, url } = await proxyTo(kit.env()[setting] ?? '', port);
    await proxy.admit('refuse');
    const adminPort = await freeAdminPort();
    const starting = start({ [setting]: url, ADMIN_PORT: String(adminPort) });
    const adminUrl = `http://127.0.0.1:${adminPort}`;
    await until(async () => Object.hasOwn(await missing(adminUrl).catch(() => ({})), name));
    expect((await missing(adminUrl))['service']).toMatch(/^starting: /);
    expect((await fetch(`${adminUrl}/livez`)).status).toBe(200);
    await proxy.admit('pass');
    await starting;
    expect(await missing(adminUrl)).toEqual({});
    await proxy.admit('refuse');
    proxy.cut();
    await until(async () => Object.hasOwn(await missing(adminUrl), name));
    await proxy.admit('pass');
    await until(async () => Object.keys(await missing(adminUrl)).length === 0);
  },
);

test('a database that is away between two steps of the start is waited for', async () => {
  const { proxy, url } = await proxyTo(kit.database.url, 5_432);
  let tries = 0;
  const needsDatabase = (database: Database): BackgroundTask => ({
    name: 'task that needs the database at once',
    start: async () => {
      tries++;
      await proxy.admit(tries === 1 ? 'refuse' : 'pass');
      if (tries === 1) proxy.cut();
      await database.ping();
    },
    stop: () => Promise.resolve(),
  });
  await start({ DATABASE_URL: url }, { background: needsDatabase });
  expect(tries).toBe(2);
});

test.each([
  [
    'a database that does not exist',
    () => ({ DATABASE_URL: kit.database.url.replace(kit.database.name, 'no_such_database') }),
    'DATABASE_ACCESS_REFUSED',
  ],
  [
    'a database URL without a database',
    () => ({ DATABASE_URL: 'postgres://postgres@127.0.0.1:5432' }),
    'DATABASE_CONFIG_INVALID',
  ],
  [
    'a Redis user that is refused',
    () => ({ REDIS_URL: kit.redis.url.replace('redis://', 'redis://nobody:wrong@') }),
    'REDIS_ACCESS_REFUSED',
  ],
  [
    'a broker user that is refused',
    () => ({ RABBITMQ_URL: kit.vhost.urlFor('nobody-coordinator', 'x') }),
    'BROKER_ACCESS_REFUSED',
  ],
  ['a vhost that is not there', () => ({ RABBITMQ_URL: `${kit.vhost.url}-not` }), 'BROKER_ACCESS_REFUSED'],
])('%s ends a start in seconds, not after the whole wait', async (_what, env, code) => {
  const startedAt = performance.now();
  await expect(start(env())).rejects.toMatchObject({ code });
  expect(performance.now() - startedAt).toBeLessThan(6_000);
});

test('a command that may take more than half of what the broker waits for an ack is refused at the start', async () => {
  const env = { COMMAND_PROCESSING_TIMEOUT: '30001', BROKER_CONSUMER_TIMEOUT_MS: '60000' };
  await expect(start(env)).rejects.toMatchObject({
    code: 'SETTINGS_INVALID',
    message: /COMMAND_PROCESSING_TIMEOUT: 30001 ms .* BROKER_CONSUMER_TIMEOUT_MS \(60000 ms\)/,
  });
  await start({ ...env, COMMAND_PROCESSING_TIMEOUT: '30000' });
});

test('a step that fails undoes those before it: no connection and no port is left', async () => {
  const adminPort = await freeAdminPort();
  const empty = await tempVhost();
  await expect(start({ RABBITMQ_URL: empty.url, ADMIN_PORT: String(adminPort) })).rejects.toMatchObject({
    code: 'BROKER_TOPOLOGY_MISSING',
  });
  await expect(fetch(`http://127.0.0.1:${adminPort}/livez`)).rejects.toThrow();
  await empty.drop();
});

test('an older schema is refused with the way out; in development the service may migrate it', async () => {
  const database = await tempDatabase();
  cleanUp.unshift(() => database.drop());
  await expect(start({ DATABASE_URL: database.url })).rejects.toMatchObject({
    code: 'DATABASE_SCHEMA_MISMATCH',
    message: /npm run warren -- migrate/,
  });
  const service = await start({ DATABASE_URL: database.url, DATABASE_MIGRATE: 'true', NODE_ENV: 'development' });
  expect(await missing(service.adminUrl)).toEqual({});
});

async function client(): Promise<RpcClient> {
  const shared = { logger: silentLogger(), metrics: new Metrics('gateway') };
  const link = (role: 'publish' | 'consume'): RabbitLink =>
    new RabbitLink({ ...shared, url: kit.vhost.url, role, name: 'test' });
  const [publishLink, consumeLink] = [link('publish'), link('consume')];
  publishLink.start();
  consumeLink.start();
  const rpc = new RpcClient({
    ...shared,
    publishLink,
    user: publishLink.user,
    prefix: 'gateway',
    instance: randomUUID(),
  });
  await rpc.start();
  cleanUp.push(
    () => Promise.all([publishLink.stop(), consumeLink.stop()]),
    () => rpc.stop(),
  );
  return rpc;
}

const ACTOR = { kind: 'player', id: 'p-1', roles: [] } as const;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('stopped under load: what runs is answered, nothing is cut short', async () => {
  const service = await start({}, { handlerMs: 150 });
  const rpc = await client();
  const calls = Array.from({ length: 8 }, () =>
    rpc.outcome(CREATE_TICKET, { mode: 'duel' }, { actor: ACTOR, messageId: randomUUID() }),
  );
  await pause(60);
  expect(await service.stop()).toBe(true);
  const outcomes = await Promise.all(calls);
  expect(outcomes.filter(({ kind }) => kind === 'timeout' || kind === 'link_lost' || kind === 'no_route')).toEqual([]);
});

test('what outlasts the grace is cut short three seconds before its end, is answered, and the end is not clean', async () => {
  const service = await start({ SHUTDOWN_GRACE_MS: '3500' }, { handlerMs: 8_000 });
  const rpc = await client();
  const call = rpc.outcome(CREATE_TICKET, { mode: 'duel' }, { actor: ACTOR });
  await pause(200);
  const startedAt = performance.now();
  expect(await service.stop()).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(3_500);
  expect(await call).toMatchObject({ kind: 'remote', error: { code: 'SERVICE_UNAVAILABLE', retryable: true } });
});
