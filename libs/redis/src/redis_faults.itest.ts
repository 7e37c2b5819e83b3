import { setTimeout as sleep } from 'node:timers/promises';
import { type Logger, silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import {
  type FaultProxy,
  faultProxy,
  type PrivateServers,
  privateServers,
  type TempRedis,
  tempRedis,
} from '@warren/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { RateLimiter, RedisClient, type RedisClientDeps } from './index.ts';

const unavailable = { code: 'SERVICE_UNAVAILABLE', kind: 'unavailable', retryable: true };

let place: TempRedis;
let proxy: FaultProxy;
const open: RedisClient[] = [];

function make(url: string, more: Partial<RedisClientDeps> = {}): RedisClient {
  const client = new RedisClient({
    url,
    keyPrefix: place.keyPrefix,
    logger: silentLogger(),
    metrics: new Metrics('test'),
    ...more,
  });
  open.push(client);
  return client;
}

async function timed(work: Promise<unknown>): Promise<{ error: unknown; ms: number }> {
  const startedAt = performance.now();
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return { error, ms: performance.now() - startedAt };
}

beforeAll(async () => {
  place = await tempRedis();
  const { hostname, port } = new URL(place.url);
  proxy = await faultProxy({ target: { host: hostname, port: Number(port || 6379) } });
});

afterEach(async () => {
  proxy.flow('pass');
  await proxy.admit('pass');
  await Promise.all(open.splice(0).map((client) => client.close()));
});

afterAll(async () => {
  await proxy.close();
  await place.drop();
});

const throughProxy = async (): Promise<RedisClient> => {
  const client = make(proxy.through(place.url));
  await client.ready(5_000);
  return client;
};

describe('Redis and a network that is lost', () => {
  test('comes back when its greeting was answered and the question whether the server is ready was not', async () => {
    const client = await throughProxy();
    let asked = false;
    proxy.onBytes('to_server', (chunk) => {
      if (!/\binfo\b/i.test(chunk.toString('latin1'))) return;
      asked = true;
      proxy.flow('drop', 'to_client');
    });
    proxy.cut();
    await vi.waitUntil(() => asked, { timeout: 10_000 });
    await sleep(1_500);
    proxy.onBytes('to_server', undefined);
    await proxy.heal();
    await vi.waitUntil(() => client.isReady, { timeout: 10_000 });
    await client.ping();
  });
});

describe('Redis behind a black hole', () => {
  test('fails commands and scripts in time, and heals soon after the network is back', async () => {
    const client = await throughProxy();
    proxy.flow('drop');
    const calls = [
      timed(client.ping()),
      timed(client.commands.incr('n')),
      timed(new RateLimiter({ redis: client }).take('k', { limit: 1, windowMs: 1_000 })),
    ];
    for (const { error, ms } of await Promise.all(calls)) {
      expect(error).toMatchObject(unavailable);
      expect(ms).toBeLessThan(1_200);
    }
    await sleep(1_500);
    proxy.flow('pass');
    const startedAt = performance.now();
    await vi.waitFor(() => client.ping(), { timeout: 4_000, interval: 50 });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
  });

  test('never runs a command later whose failure was reported', async () => {
    const client = await throughProxy();
    await client.commands.set('once', '0', 'EX', 60);
    proxy.flow('stall');
    expect((await timed(client.commands.incr('once'))).error).toMatchObject(unavailable);
    await sleep(50);
    proxy.flow('pass');
    await vi.waitFor(() => client.ping(), { timeout: 4_000, interval: 50 });
    await sleep(100);
    expect(await client.commands.get('once')).toBe('0');
  });

  test('closes in bounded time', async () => {
    const client = await throughProxy();
    proxy.flow('drop');
    const { error, ms } = await timed(client.close());
    expect(error).toBeUndefined();
    expect(ms).toBeLessThan(1_300);
  });
});

describe('Redis that is away', () => {
  test('fails commands at once instead of queueing them, and comes back by itself', async () => {
    const client = await throughProxy();
    await proxy.admit('refuse');
    proxy.cut();
    await vi.waitFor(() => expect(client.isReady).toBe(false));
    const { error, ms } = await timed(client.ping());
    expect(error).toMatchObject(unavailable);
    expect(ms).toBeLessThan(100);
    await proxy.admit('pass');
    await client.ready(5_000);
    await client.ping();
  });

  test('fails commands in flight when the connection is cut', async () => {
    const client = await throughProxy();
    proxy.flow('stall');
    const call = timed(client.ping());
    await sleep(50);
    proxy.cut();
    const { error, ms } = await call;
    expect(error).toMatchObject(unavailable);
    expect(ms).toBeLessThan(300);
  });

  test('makes ready() reject in its time, and the log says it once in a while', async () => {
    await proxy.admit('refuse');
    const warn = vi.fn();
    const logger: Logger = Object.assign(silentLogger(), { warn });
    const client = make(proxy.through(place.url), { logger });
    const { error, ms } = await timed(client.ready(600));
    expect(error).toMatchObject(unavailable);
    expect(ms).toBeLessThan(900);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test('closes at once', async () => {
    await proxy.admit('refuse');
    const { ms } = await timed(make(proxy.through(place.url)).close());
    expect(ms).toBeLessThan(200);
  });
});

describe('Redis on a server of its own', () => {
  let servers: PrivateServers;

  beforeAll(async () => {
    servers = await privateServers();
  });

  afterAll(() => servers.destroy());

  test('refuses a wrong password at once, with a clear error that does not repeat it', async () => {
    const url = new URL((await servers.redis()).url);
    url.password = 'Sesame-Open-77';
    const logged: unknown[] = [];
    const logger: Logger = Object.assign(silentLogger(), { warn: (...line: unknown[]) => logged.push(line) });
    const { error, ms } = await timed(make(url.href, { logger }).ready(5_000));
    expect(error).toMatchObject({ code: 'REDIS_ACCESS_REFUSED' });
    expect(ms).toBeLessThan(2_000);
    const inspect = await import('node:util').then((util) => util.inspect([error, logged], { depth: 10 }));
    expect(inspect).not.toContain('Sesame');
  });

  test('that is killed and started again is used again, and scripts are there again', async () => {
    const { url } = await servers.redis();
    const client = make(url);
    await client.ready(5_000);
    const limiter = new RateLimiter({ redis: client });
    await limiter.take('k', { limit: 5, windowMs: 1_000 });
    await (await servers.redis()).kill('SIGKILL');
    expect((await timed(client.ping())).error).toMatchObject(unavailable);
    await servers.redis();
    await client.ready(5_000);
    expect((await limiter.take('k', { limit: 5, windowMs: 1_000 })).allowed).toBe(true);
  });

  test('that pauses fails calls in time and is used again afterwards', async () => {
    const client = make((await servers.redis()).url);
    await client.ready(5_000);
    await client.commands.call('CLIENT', 'PAUSE', '2000', 'ALL');
    const { error, ms } = await timed(client.ping());
    expect(error).toMatchObject(unavailable);
    expect(ms).toBeLessThan(1_200);
    await vi.waitFor(() => client.ping(), { timeout: 6_000, interval: 100 });
  });

  test('that became a replica is unavailable for writes', async () => {
    const client = make((await servers.redis()).url);
    await client.ready(5_000);
    await client.commands.call('REPLICAOF', '127.0.0.1', '1');
    expect((await timed(client.commands.set('a', '1'))).error).toMatchObject(unavailable);
    await vi.waitFor(() => client.commands.call('REPLICAOF', 'NO', 'ONE'), { timeout: 4_000 });
    await vi.waitFor(() => client.commands.set('a', '1', 'EX', 5), { timeout: 4_000 });
  });
});
