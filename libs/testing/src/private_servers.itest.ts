import { BrokerAdmin, listConsumers, unwrapAdminResult } from '@warren/provision';
import amqp from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PrivateServers, privateServers } from './private_servers.ts';

let servers: PrivateServers;

beforeAll(async () => {
  servers = await privateServers();
});

afterAll(() => servers.destroy());

async function select(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('A private Postgres that was killed comes back at the same address with what was committed', async () => {
  const first = await servers.postgres();
  await select(first.url, 'CREATE TABLE kept AS SELECT 7 AS value');
  await first.kill('SIGKILL');
  const second = await servers.postgres();
  expect(second.url).toBe(first.url);
  expect(second.pid).not.toBe(first.pid);
  expect(await select(second.url, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
});

test('A private Redis asks for its password and stops in order', async () => {
  const server = await servers.redis();
  const redis = new Redis(server.url);
  expect(await redis.ping()).toBe('PONG');
  const stranger = new Redis(server.port, '127.0.0.1', { retryStrategy: () => null });
  stranger.on('error', () => undefined);
  await expect(stranger.get('x')).rejects.toThrow(/NOAUTH/);
  stranger.disconnect();
  redis.disconnect();
  expect((await servers.redis()).pid).toBe(server.pid);
});

test('A private RabbitMQ takes further settings, and tells of its consumers by its tool and by the management API', async () => {
  const server = await servers.rabbit({ management: true, configuration: ['consumer_timeout = 61234'] });
  const connection = await amqp.connect(server.url);
  const channel = await connection.createChannel();
  await channel.assertQueue('q');
  await channel.prefetch(7);
  await channel.consume('q', () => undefined);
  await channel.consume('q', () => undefined, { noAck: true });
  const http = BrokerAdmin.parse({ kind: 'http', url: server.managementUrl });
  for (const admin of [server.admin, http]) {
    const consumers = async () => unwrapAdminResult(await listConsumers(admin, '/'));
    await expect.poll(async () => (await consumers()).length, { timeout: 20_000 }).toBe(2);
    expect(await consumers()).toEqual(
      expect.arrayContaining([
        { queue: 'q', prefetch: 7, acks: true },
        { queue: 'q', prefetch: 7, acks: false },
      ]),
    );
  }
  expect(await server.consumers()).toHaveLength(2);
  expect(await server.queues()).toMatchObject([{ name: 'q', consumers: 2 }]);
  expect(await server.erlang('application:get_env(rabbit, consumer_timeout).')).toContain('61234');
  await connection.close();
});

test('A private RabbitMQ that was killed comes back with its durable queue, and guest may not enter', async () => {
  const first = await servers.rabbit();
  const connection = await amqp.connect(first.url);
  connection.on('error', () => undefined);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue('kept', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  channel.sendToQueue('kept', Buffer.from('1'), { persistent: true });
  await channel.waitForConfirms();
  await first.writeDown();
  const gone = new Promise((resolve) => connection.once('close', resolve));
  await first.kill('SIGKILL');
  await gone;
  const second = await servers.rabbit();
  expect(second.url).toBe(first.url);
  const again = await amqp.connect(second.url);
  const reader = await again.createChannel();
  // The port opens before the queue has elected its leader again.
  await expect.poll(async () => (await reader.checkQueue('kept')).messageCount, { timeout: 20_000 }).toBe(1);
  await again.close();
  await expect(amqp.connect(`amqp://guest:guest@127.0.0.1:${second.port}`)).rejects.toThrow(/403|ACCESS.REFUSED/);
});

test('A private RabbitMQ that was killed and comes up without its vhost has it restarted, as an operator would do', async () => {
  const broker = await servers.rabbit();
  const kill = 'case rabbit_vhost_sup_sup:get_vhost_sup(<<"/">>) of {ok, Pid} -> exit(Pid, kill); Other -> Other end.';
  const alive = async (): Promise<boolean> =>
    (await broker.erlang('rabbit_vhost_sup_sup:is_vhost_alive(<<"/">>).')).includes('true');
  // its supervisor is restarted once, then given up
  await expect.poll(async () => (await broker.erlang(kill), await alive()), { timeout: 30_000 }).toBe(false);
  await servers.rabbit();
  expect(await alive()).toBe(true);
});
