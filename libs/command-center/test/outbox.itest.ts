import { randomUUID } from 'node:crypto';
import { systemClock, systemRng } from '@warren/kernel';
import { sql, tables } from '@warren/postgres';
import { ConfirmedPublisher, EXCHANGE, type RabbitLink } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OutboxRelay, UnitOfWork } from '../src/index.ts';
import { Kit, logger, pause, until, WORK, WORK_DONE } from './kit.ts';

const SINK = 'test.sink';

let kit: Kit;
const received: string[] = [];

/** Every event of the test, in the order in which the broker has it. */
async function sink(): Promise<void> {
  const link = await kit.link('consume');
  const { promise: bound, resolve } = Promise.withResolvers<void>();
  link.use(async (session) => {
    const channel = await session.openChannel();
    await channel.assertQueue(SINK, { durable: true });
    await channel.bindQueue(SINK, EXCHANGE.events, '#');
    await channel.consume(
      SINK,
      (message) =>
        void (message !== null && received.push(WORK_DONE.payload.parse(JSON.parse(message.content.toString())).text)),
      { noAck: true },
    );
    resolve();
  });
  await bound;
}

/** One process's writer and relay, without listeners. */
async function replica(url = kit.vhost.url): Promise<{
  emit: (...texts: string[]) => Promise<void>;
  relay: OutboxRelay;
  link: RabbitLink;
  unitOfWork: UnitOfWork;
}> {
  const metrics = new Metrics('allocator');
  const shared = { logger, metrics, clock: systemClock, rng: systemRng, prefix: 'allocator' };
  const database = kit.database();
  const link = await kit.link('publish', url);
  const publisher = new ConfirmedPublisher({ ...shared, link });
  const relay = new OutboxRelay({ ...shared, database, publisher, publishLink: link });
  kit.defer(() => publisher.stop(100));
  kit.defer(() => relay.stop());
  const unitOfWork = new UnitOfWork({ database, onOutbox: () => relay.wake() });
  const emit = (...texts: string[]): Promise<void> =>
    unitOfWork.run(async (_tx, outbox) => {
      for (const text of texts) outbox.emit(WORK_DONE, { text });
    });
  relay.start();
  return { emit, relay, link, unitOfWork };
}

beforeEach(async () => {
  received.length = 0;
  kit = await Kit.open();
  await sink();
});

afterEach(() => kit.close());

test('rows leave at once and in order, and are gone when they are confirmed', async () => {
  const { emit } = await replica();
  const texts = Array.from({ length: 450 }, (_, index) => String(index));
  const startedAt = performance.now();
  await emit('first');
  await until(() => received.length === 1);
  expect(performance.now() - startedAt).toBeLessThan(400);
  await emit(...texts);
  await until(() => received.length === 451);
  expect(received.slice(1)).toEqual(texts);
  await until(async () => (await kit.count('outbox')) === 0);
});

test('two replicas relay the rows of both, in order of each, none twice', async () => {
  const [one, two] = await Promise.all([replica(), replica()]);
  const texts = (name: string): string[] => Array.from({ length: 60 }, (_, index) => `${name}${index}`);
  const write = async (emit: (...texts: string[]) => Promise<void>, name: string): Promise<void> => {
    for (const text of texts(name)) await emit(text);
  };
  await Promise.all([write(one.emit, 'a'), write(two.emit, 'b')]);
  await until(() => received.length >= 120);
  await pause(600);
  expect(received).toHaveLength(120);
  for (const name of ['a', 'b']) expect(received.filter((text) => text.startsWith(name))).toEqual(texts(name));
  expect(await kit.count('outbox')).toBe(0);
});

test('rows wait while the broker is away, without a transaction that stays open, and leave soon after it is back, in order', async () => {
  const { proxy, url } = await kit.proxied();
  const { emit, relay } = await replica(url);
  await proxy.admit('refuse');
  proxy.cut();
  const texts = Array.from({ length: 30 }, (_, index) => String(index));
  for (const text of texts) await emit(text);
  const reader = kit.database().read;
  const open = async (): Promise<number> => {
    const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_stat_activity
      WHERE datname = current_database() AND state LIKE 'idle in transaction%'`.execute(tables(reader));
    return rows[0]?.n ?? -1;
  };
  await until(async () => (await open()) === 0, 4_000);
  await pause(700);
  expect(await open()).toBe(0);
  expect(await kit.count('outbox')).toBe(30);
  await proxy.admit('pass');
  const backAt = performance.now();
  await until(async () => (await kit.count('outbox')) === 0, 10_000);
  expect(performance.now() - backAt).toBeLessThan(6_000);
  expect([...new Set(received)]).toEqual(texts);
  await relay.stop();
});

test('with a broker that swallows everything the transaction is bounded, and a stop ends within a second', async () => {
  const { proxy, url } = await kit.proxied();
  const { emit, relay } = await replica(url);
  proxy.flow('drop');
  await emit('lost?');
  await pause(200);
  const startedAt = performance.now();
  await relay.stop();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  expect(await kit.count('outbox')).toBe(1);
});

test('a command that no queue takes stays and holds up nothing else', async () => {
  const { emit, unitOfWork } = await replica();
  await unitOfWork.run(async (_tx, outbox) => outbox.send(WORK, { how: 'echo' }));
  await emit('a', 'b');
  await until(() => received.length === 2);
  expect(await kit.count('outbox')).toBe(1);
});

test('rows that are no messages, or that the broker answers by closing the channel, hold up nothing else', async () => {
  const { emit } = await replica();
  const bad = (exchange: string, headers: string, body: string): Promise<unknown> =>
    sql`INSERT INTO outbox (exchange, routing_key, message_id, type, headers, body)
      VALUES (${exchange}, 'allocator.x', ${randomUUID()}, 'x@1', ${headers}, ${body})`.execute(
      tables(kit.database().read),
    );
  await bad(EXCHANGE.events, 'no json', '{}');
  await bad(EXCHANGE.events, '{}', `"${'x'.repeat(300_000)}"`);
  await bad('warren.no_such_exchange', '{}', '{}');
  await emit('a', 'b', 'c');
  await until(() => new Set(received).size === 3, 10_000);
  expect([...new Set(received)]).toEqual(['a', 'b', 'c']);
  expect(await kit.count('outbox')).toBe(3);
});

test('a wake that comes while a batch is under way is not lost', async () => {
  const { emit } = await replica();
  for (let round = 0; round < 20; round++) await Promise.all([emit(`${round}a`), emit(`${round}b`)]);
  const startedAt = performance.now();
  await until(() => received.length === 40);
  expect(performance.now() - startedAt).toBeLessThan(450);
});
