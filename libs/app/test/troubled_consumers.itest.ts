import { GET_TICKET } from '@warren/contracts';
import { newId } from '@warren/kernel';
import { declareExchanges, EXCHANGE } from '@warren/rabbit';
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
import { AppKit, openCaller, proxyBefore, publishEvents, until } from './app_kit.ts';
import { tinyService } from './fixtures/tiny_service.ts';

const QUEUE = 'coordinator.events.leases';
const CONSUMER_TIMEOUT_MS = bySize({ short: 2_000, full: 60_000 });
/** How often the broker looks for deliveries that are too old: a minute unless told. */
const TICK_MS = bySize({ short: 500, full: 5_000 });
/** Longer than the broker waits, shorter than the service does. */
const HANDLER_MS = CONSUMER_TIMEOUT_MS + 4 * TICK_MS;
const BACK_MS = 10_000;
const ALARM = '{resource_limit, memory, node()}';
const EVENTS = 300;
const EVENT_MS = 100;

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
});

afterEach(async () => {
  await service.stop();
  await proxy.close();
});

async function start(handlerMs: number): Promise<void> {
  const env = {
    RABBITMQ_URL: proxy.through(broker.url),
    COMMAND_PROCESSING_TIMEOUT: '120000',
    SHUTDOWN_GRACE_MS: '3500',
  };
  service = await createServiceApp(tinyService({ handlerMs }), kit.env(env));
}

const consumers = async (): Promise<number> => (await broker.consumers()).filter(({ queue }) => queue === QUEUE).length;

const messagesIn = async (queue: string): Promise<unknown> =>
  (await broker.queues()).find(({ name }) => name === queue)?.messages;

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
    await start(HANDLER_MS);
    expect(await readiness()).toMatchObject({ status: 200 });
    expect(await consumers()).toBe(1);
    await disturb();
    await until(async () => (await readiness()).status === 503, CONSUMER_TIMEOUT_MS + 3 * TICK_MS + 20_000);
    expect((await readiness()).text).toContain(QUEUE);
    expect(signs).toEqual([sign]);
    // the consumer was missed by itself, not because the broker gave up the connection that is held back
    expect(service.resources.consumeLink.state).toMatchObject({ up: true, epoch: 1 });
    proxy.flow('pass', 'to_server');
    await until(async () => (await readiness()).status === 200, BACK_MS);
    expect(await consumers()).toBe(1);
    expect(await service.resources.metrics.render()).toMatch(
      new RegExp(`warren_rabbit_consumer_recoveries_total\\{[^}]*${QUEUE}[^}]*\\} 1`),
    );
  },
);

test('a service whose broker takes no messages says so on /readyz, and goes on receiving and acking', {
  timeout: 120_000,
}, async () => {
  await start(0);
  await service.stop();
  await publishEvents(broker.url, EVENTS);
  const caller = await openCaller(broker.url);
  // its reply is written under the alarm: it must not hold up the acks
  const call = caller.rpc.outcome(GET_TICKET, { ticket_id: newId() }, { deadlineMs: 100_000 });
  await until(async () => (await messagesIn('coordinator.rpc')) === 1, 20_000);
  await broker.erlang(`rabbit_alarm:set_alarm({${ALARM}, []}).`);
  await start(EVENT_MS);
  const { publisher, metrics, publishLink, consumeLink } = service.resources;
  const done = async (): Promise<number> =>
    Number(/warren_commands_total\{[^}]*leases[^}]*"done"[^}]*\} (\d+)/.exec(await metrics.render())?.[1] ?? 0);
  const nobody = { exchange: EXCHANGE.events, key: 'allocator.nobody', body: Buffer.from('{}'), messageId: newId() };
  const stuck = publisher.publish({ ...nobody, type: 'x@1', persistent: true }, { timeoutMs: 90_000 });
  await until(() => publishLink.state.blocked);
  expect(await done()).toBeLessThan(EVENTS / 2);
  expect(await readiness()).toMatchObject({ status: 503, text: expect.stringContaining('rabbitmq-publish') as string });
  await until(async () => (await done()) >= EVENTS, 30_000);
  // the broker counts the messages of a quorum queue every five seconds
  await expect.poll(() => messagesIn(QUEUE), { timeout: 20_000, interval: 1_000 }).toBe(0);
  expect(publishLink.state.blocked).toBe(true);
  await broker.erlang(`rabbit_alarm:clear_alarm(${ALARM}).`);
  expect(await stuck).toBe('returned');
  expect((await call).kind).not.toBe('timeout');
  await caller.close();
  await until(async () => (await readiness()).status === 200, BACK_MS);
  expect([publishLink.state.epoch, consumeLink.state.epoch]).toEqual([1, 1]);
});
