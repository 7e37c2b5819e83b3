import { randomUUID } from 'node:crypto';
import { allocationMigrations } from '@warren/allocation';
import { createServiceApp, type RunningService } from '@warren/app';
import { ASSIGN_GAME, CONFIRM_ASSIGNMENT, REGISTER_SERVER, RELEASE_GAME, REPORT_HEARTBEAT } from '@warren/contracts';
import { silentLogger } from '@warren/kernel';
import { migrate } from '@warren/postgres';
import {
  type Actor,
  ConfirmedPublisher,
  declareExchanges,
  declareServiceTopology,
  EXCHANGE,
  eventsQueue,
  QueueConsumer,
  queuesOf,
  RabbitLink,
  RpcClient,
  serviceSpec,
} from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { tempDatabase, tempRedis, tempVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allocatorService } from '../src/service.ts';

const SERVER: Actor = { kind: 'server', id: 'arena-1' };
const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64');
const MATCH = {
  mode: 'duel',
  seed: 7,
  players: [
    { player_id: randomUUID(), slot: 0 },
    { player_id: randomUUID(), slot: 1 },
  ],
};

const cleanUp: (() => Promise<unknown>)[] = [];
const replicas: RunningService[] = [];
const losses: unknown[] = [];
let rpc: RpcClient;
let publisher: ConfirmedPublisher;

/** Another service's side of the broker; the user of the vhost stands for every service. */
async function connectCaller(url: string): Promise<void> {
  const logger = silentLogger();
  const metrics = new Metrics('coordinator');
  const links = (['publish', 'consume'] as const).map(
    (role) => new RabbitLink({ url, role, name: `test.${role}`, logger, metrics }),
  );
  const [publishLink, consumeLink] = links;
  if (publishLink === undefined || consumeLink === undefined) throw new Error('no links');
  for (const link of links) link.start();
  await Promise.all(links.map((link) => link.ready(10_000)));
  for (const prefix of ['gateway', 'coordinator']) await declareServiceTopology(consumeLink, prefix);
  rpc = new RpcClient({
    publishLink,
    user: publishLink.user,
    prefix: 'coordinator',
    instance: 'test',
    logger,
    metrics,
  });
  publisher = new ConfirmedPublisher({ link: publishLink, prefix: 'coordinator', logger, metrics });
  await rpc.start();
  const queue = queuesOf(serviceSpec('coordinator')).find((spec) => spec.name === eventsQueue('coordinator', 'leases'));
  if (queue === undefined) throw new Error('no queue for lease events');
  const consumer = new QueueConsumer({
    link: consumeLink,
    queue,
    prefetch: 10,
    declare: false,
    logger,
    metrics,
    onDelivery: (delivery) => {
      losses.push(JSON.parse(delivery.body.toString()));
      delivery.ack();
    },
  });
  await consumer.start();
  cleanUp.unshift(async () => {
    await consumer.close();
    await rpc.stop();
    await Promise.all(links.map((link) => link.stop()));
  });
}

beforeAll(async () => {
  const [vhost, database, redis] = await Promise.all([tempVhost(), tempDatabase(), tempRedis()]);
  cleanUp.push(
    () => database.drop(),
    () => redis.drop(),
    () => vhost.drop(),
  );
  await declareExchanges(vhost.url);
  await migrate(database.url, allocationMigrations, { role: database.user });
  const env = {
    NODE_ENV: 'test',
    RABBITMQ_URL: vhost.url,
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    REDIS_KEY_PREFIX: redis.keyPrefix,
    IDEMPOTENCY_HMAC_KEY: KEY,
    GAME_CACHE_TTL: '2',
    LOG_LEVEL: 'silent',
  };
  replicas.push(await createServiceApp(allocatorService, env), await createServiceApp(allocatorService, env));
  await connectCaller(vhost.url);
});

afterAll(async () => {
  for (const step of cleanUp.splice(0, 1)) await step();
  await Promise.all(replicas.map((replica) => replica.stop()));
  for (const step of cleanUp) await step();
});

const assign = (game: string) => rpc.call(ASSIGN_GAME, { game_id: game, match: MATCH }, {});

test('a server registers, gets a game, confirms it, and gives the place back after a durable release', async () => {
  await rpc.call(REGISTER_SERVER, { address: 'ws://127.0.0.1:7350/', capacity: 1 }, { actor: SERVER });
  await rpc.call(REPORT_HEARTBEAT, { cpu: 0.2, ram: 0.3, games: [] }, { actor: SERVER });
  const game = randomUUID();
  const reply = await assign(game);
  if (!reply.success) throw new Error(reply.code);
  expect(reply).toMatchObject({ instance_id: 'arena-1', address: 'ws://127.0.0.1:7350/' });
  await rpc.call(CONFIRM_ASSIGNMENT, { game_id: game, lease_id: reply.lease_id }, { actor: SERVER });
  expect(await assign(game)).toEqual({ ...reply, expires_at: null });
  expect(await assign(randomUUID())).toEqual({ success: false, code: 'ALLOCATOR_NO_SERVER', retryable: true });
  const body = Buffer.from(JSON.stringify({ game_id: game, reason: 'ended' }));
  const message = {
    exchange: EXCHANGE.commands,
    key: RELEASE_GAME.name,
    body,
    messageId: randomUUID(),
    type: `${RELEASE_GAME.name}@1`,
    persistent: true,
  };
  expect(await publisher.publish(message)).toBe('confirmed');
  await expect
    .poll(
      async () => (await rpc.call(REPORT_HEARTBEAT, { cpu: 0.2, ram: 0.3, games: [] }, { actor: SERVER })).assignments,
      { timeout: 10_000 },
    )
    .toEqual([]);
  const next = randomUUID();
  expect(await assign(next)).toMatchObject({ success: true });
  expect(await rpc.call(RELEASE_GAME, { game_id: next, reason: 'cancelled' }, {})).toEqual({ released: true });
});

test('a reservation that nobody confirms ends after GAME_CACHE_TTL, and the coordinator hears of it once', async () => {
  const game = randomUUID();
  const reply = await assign(game);
  if (!reply.success) throw new Error(reply.code);
  const told = { game_id: game, lease_id: reply.lease_id, instance_id: 'arena-1', reason: 'confirm_timeout' };
  await expect.poll(() => losses, { timeout: 10_000 }).toEqual([told]);
  const late = rpc.call(CONFIRM_ASSIGNMENT, { game_id: game, lease_id: reply.lease_id }, { actor: SERVER });
  await expect(late).rejects.toMatchObject({ code: 'ALLOCATOR_LEASE_ENDED', kind: 'gone' });
});

test('errors of the domain reach the caller with code, kind and field', async () => {
  const refused = rpc.call(REGISTER_SERVER, { address: 'ws://169.254.169.254/', capacity: 1 }, { actor: SERVER });
  await expect(refused).rejects.toMatchObject({
    code: 'ALLOCATOR_ADDRESS_REFUSED',
    kind: 'invalid',
    fields: [{ path: 'address' }],
  });
  const unknown = rpc.call(
    REPORT_HEARTBEAT,
    { cpu: 0, ram: 0, games: [] },
    { actor: { kind: 'server', id: 'nobody' } },
  );
  await expect(unknown).rejects.toMatchObject({ code: 'ALLOCATOR_SERVER_UNKNOWN' });
});

test('both replicas stop in order, and nothing was told twice', async () => {
  expect(losses).toHaveLength(1);
  expect(await Promise.all(replicas.splice(0).map((replica) => replica.stop()))).toEqual([true, true]);
});
