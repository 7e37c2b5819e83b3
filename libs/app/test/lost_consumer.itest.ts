import { declareExchanges } from '@warren/rabbit';
import {
  AMQP_METHOD,
  ackFrame,
  bySize,
  deleteQueue,
  type FaultProxy,
  type PrivateServers,
  privateServers,
  type TestBroker,
} from '@warren/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createServiceApp, type RunningService } from '../src/index.ts';
import { AppKit, proxyBefore, publishEvents, until } from './app_kit.ts';
import { tinyService } from './fixtures/tiny_service.ts';

const QUEUE = 'coordinator.events.leases';
const CONSUMER_TIMEOUT_MS = bySize({ short: 2_000, full: 60_000 });
/** How often the broker looks for deliveries that are too old: a minute unless told. */
const TICK_MS = bySize({ short: 500, full: 5_000 });
/** Longer than the broker waits, shorter than the service does. */
const HANDLER_MS = CONSUMER_TIMEOUT_MS + 4 * TICK_MS;
const BACK_MS = 10_000;

let kit: AppKit;
let servers: PrivateServers;
let broker: TestBroker;
let proxy: FaultProxy;
let service: RunningService;
/** Where the consumer of QUEUE was set up. */
let place = { connection: 0, channel: 0 };
/** What the broker does before a consumer is lost. */
let signs: string[] = [];

beforeAll(async () => {
  servers = await privateServers();
  [kit, broker] = await Promise.all([
    AppKit.open(),
    servers.rabbit({ configuration: [`consumer_timeout = ${CONSUMER_TIMEOUT_MS}`] }),
  ]);
  await broker.erlang(`application:set_env(rabbit, channel_tick_interval, ${TICK_MS}).`);
  await declareExchanges(broker.url);
});

afterAll(async () => {
  await kit.close();
  await servers.destroy();
});

beforeEach(async () => {
  proxy = await proxyBefore(broker.url);
  signs = [];
  proxy.onFrame('to_server', (frame, connection) => {
    const consumes = frame.method === AMQP_METHOD.basicConsume && frame.bytes.includes(QUEUE);
    if (consumes) place = { connection, channel: frame.channel };
    return undefined;
  });
  // holds the service back as soon as it may know, so that the time without a consumer is long enough to be seen
  proxy.onFrame('to_client', ({ method, channel }, connection) => {
    const ends = method === AMQP_METHOD.channelClose || method === AMQP_METHOD.basicCancel;
    if (!ends || channel !== place.channel || connection !== place.connection) return undefined;
    signs.push(method === AMQP_METHOD.basicCancel ? 'cancel' : 'close');
    proxy.flow('stall', 'to_server');
    return undefined;
  });
  service = await createServiceApp(
    tinyService({ handlerMs: HANDLER_MS }),
    kit.env({
      RABBITMQ_URL: proxy.through(broker.url),
      COMMAND_PROCESSING_TIMEOUT: '120000',
      SHUTDOWN_GRACE_MS: '3500',
    }),
  );
});

afterEach(async () => {
  await service.stop();
  await proxy.close();
});

const consumers = async (): Promise<number> => (await broker.consumers()).filter(({ queue }) => queue === QUEUE).length;

const readiness = async (): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${service.adminUrl}/readyz`);
  return { status: response.status, text: await response.text() };
};

test.each<[string, string, () => Promise<void> | void]>([
  ['whose queue was deleted', 'cancel', () => deleteQueue(broker.url, QUEUE)],
  [
    'whose channel the broker closed with 406',
    'close',
    () => proxy.inject('to_server', ackFrame(place.channel, 999_999), place.connection),
  ],
  ['that held a message for longer than the broker waits', 'close', () => publishEvents(broker.url, 1)],
])(
  'a service %s says so on /readyz, and has one consumer and is ready again soon after',
  {
    timeout: CONSUMER_TIMEOUT_MS * 3 + 90_000,
  },
  async (_what, sign, disturb) => {
    expect(await readiness()).toMatchObject({ status: 200 });
    expect(await consumers()).toBe(1);
    await disturb();
    await until(async () => (await readiness()).status === 503, CONSUMER_TIMEOUT_MS + 3 * TICK_MS + 20_000);
    expect((await readiness()).text).toContain(QUEUE);
    expect(signs).toEqual([sign]);
    proxy.flow('pass', 'to_server');
    await until(async () => (await readiness()).status === 200, BACK_MS);
    expect(await consumers()).toBe(1);
    expect(await service.resources.metrics.render()).toMatch(
      new RegExp(`warren_rabbit_consumer_recoveries_total\\{[^}]*${QUEUE}[^}]*\\} 1`),
    );
  },
);
