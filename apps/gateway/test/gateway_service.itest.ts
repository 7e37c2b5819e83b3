import { createServiceApp, type RunningService } from '@warren/app';
import { newId, silentLogger } from '@warren/kernel';
import {
  ConfirmedPublisher,
  deadQueue,
  declareExchanges,
  EXCHANGE,
  PUSH_PARTITIONS,
  pushKey,
  RabbitLink,
  userSpecs,
} from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { importIntoVhost, type TempRedis, type TempVhost, tempRedis, tempVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewayService } from '../src/service.ts';

let vhost: TempVhost;
let redis: TempRedis;
let running: RunningService;

beforeAll(async () => {
  [vhost, redis] = await Promise.all([tempVhost(), tempRedis()]);
  await declareExchanges(vhost.url);
  const users = userSpecs(vhost.userPrefix).filter(({ prefix }) => prefix === 'gateway' || prefix === 'allocator');
  await importIntoVhost(vhost, {
    users: users.map(({ prefix }) => ({ name: vhost.userPrefix + prefix, password: 'a-password' })),
    permissions: users.map(({ prefix, configure, write, read }) => ({
      user: vhost.userPrefix + prefix,
      configure,
      write,
      read,
    })),
    topic_permissions: users.flatMap(({ prefix, topics }) =>
      topics.map((topic) => ({ user: vhost.userPrefix + prefix, ...topic })),
    ),
  });
  running = await createServiceApp(gatewayService, {
    NODE_ENV: 'production',
    LOG_LEVEL: 'silent',
    GATEWAY_RABBITMQ_URL: vhost.urlFor(`${vhost.userPrefix}gateway`, 'a-password'),
    REDIS_URL: redis.url,
    REDIS_KEY_PREFIX: redis.keyPrefix,
    GATEWAY_PORT: '0',
  });
});

afterAll(async () => {
  await running.stop();
  await redis.drop();
  await vhost.drop();
});

test('The gateway is ready with the rights of its own broker user, and consumes every push queue', async () => {
  expect((await fetch(`${running.adminUrl}/readyz`)).status).toBe(200);
  const consumers = async () =>
    (await vhost.queues()).filter((queue) => queue.name.startsWith('gateway.') && queue.consumers === 1);
  await expect
    .poll(async () => (await consumers()).length, { timeout: 30_000, interval: 1_000 })
    .toBe(PUSH_PARTITIONS + 1);
  expect((await consumers()).filter((queue) => queue.name.startsWith('gateway.node.')).length).toBe(1);
});

test('A service that is not there is told in milliseconds, not after the deadline', async () => {
  const startedAt = performance.now();
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"login":"a","password":"b"}',
  };
  const response = await fetch(`${running.url}/v1/auth/login`, init);
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await response.json()).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('The gateway may park what it cannot read', async () => {
  const url = vhost.urlFor(`${vhost.userPrefix}allocator`, 'a-password');
  const shared = { logger: silentLogger(), metrics: new Metrics('test') };
  const link = new RabbitLink({ url, role: 'publish', name: 'test.allocator', ...shared });
  link.start();
  await link.ready(10_000);
  const publisher = new ConfirmedPublisher({ link, prefix: 'allocator', ...shared });
  const message = {
    exchange: EXCHANGE.push,
    key: pushKey(3),
    body: Buffer.from('{}'),
    messageId: newId(),
    type: 'test@1',
    persistent: true,
  };
  expect(await publisher.publish(message)).toBe('confirmed');
  const parked = async () => (await vhost.queues()).find((queue) => queue.name === deadQueue('gateway'))?.messages;
  await expect.poll(parked, { timeout: 30_000, interval: 1_000 }).toBe(1);
  await publisher.stop();
  await link.stop();
});

test('Nothing of health or metrics is on the public port', async () => {
  const statuses = await Promise.all(
    ['/livez', '/readyz', '/metrics', '/admin'].map(async (path) => (await fetch(running.url + path)).status),
  );
  expect(statuses).toEqual([404, 404, 404, 404]);
  expect(await (await fetch(`${running.adminUrl}/metrics`)).text()).toContain('http_request_seconds');
});

test('The gateway stops in order', async () => {
  expect(await running.stop()).toBe(true);
});
