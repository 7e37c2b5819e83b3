import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { type Clock, systemClock, systemRng } from '@warren/kernel';
import { sql, tables } from '@warren/postgres';
import { ConfirmedPublisher, EXCHANGE, type RabbitLink } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OutboxRelay, UnitOfWork } from '../src/index.ts';
import { Kit, logger, pause, until, WORK, WORK_DONE } from './kit.ts';

const SINK = 'test.sink';

let kit: Kit;
const received: string[] = [];

let bind: (exchange: string, pattern: string) => Promise<unknown>;

/** Every event of the test, in the order in which the broker has it. */
async function sink(): Promise<void> {
  const link = await kit.link('consume');
  const { promise: bound, resolve } = Promise.withResolvers<void>();
  link.use(async (session) => {
    const channel = await session.openChannel();
    await channel.assertQueue(SINK, { durable: true });
    bind = (exchange, pattern) => channel.bindQueue(SINK, exchange, pattern);
    await bind(EXCHANGE.events, '#');
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
async function replica({ url = kit.vhost.url, clock = systemClock }: { url?: string; clock?: Clock } = {}): Promise<{
  emit: (...texts: string[]) => Promise<void>;
  relay: OutboxRelay;
  link: RabbitLink;
  unitOfWork: UnitOfWork;
  metrics: Metrics;
}> {
  const metrics = new Metrics('allocator');
  const shared = { logger, metrics, clock, rng: systemRng, prefix: 'allocator' };
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
  return { emit, relay, link, unitOfWork, metrics };
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
  const { emit, relay } = await replica({ url });
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
  const { emit, relay } = await replica({ url });
  proxy.flow('drop');
  await emit('lost?');
  await pause(200);
  const startedAt = performance.now();
  await relay.stop();
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  expect(await kit.count('outbox')).toBe(1);
});

test('a command that no queue takes stays, is told by the metrics, and holds up nothing else', async () => {
  const { emit, unitOfWork, metrics } = await replica();
  await unitOfWork.run(async (_tx, outbox) => outbox.send(WORK, { how: 'echo' }));
  await emit('a', 'b');
  await until(() => received.length === 2);
  expect(await kit.count('outbox')).toBe(1);
  const told = async (line: RegExp): Promise<boolean> => line.test(await metrics.render());
  await until(() => told(/warren_outbox_refused_rows\{[^}]*\} 1/), 20_000);
  expect(await told(/warren_outbox_rows\{[^}]*\} 1/)).toBe(true);
  expect(await told(/warren_outbox_oldest_seconds\{[^}]*\} [0-9.]+/)).toBe(true);
  expect(await told(/warren_outbox_relayed_total\{[^}]*returned[^}]*\} [1-9]/)).toBe(true);
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

/** Nothing ends a pause of this clock but the signal: whoever waits by it has to be woken. */
const sleepless: Clock = {
  ...systemClock,
  sleep: (_ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) resolve();
      signal?.addEventListener('abort', () => resolve(), { once: true });
    }),
};

test('rows of a process whose broker is away wake the relay of another one', async () => {
  const { proxy, url } = await kit.proxied();
  await replica({ clock: sleepless });
  // it has had its first look alone: one that met a held lock would wait for the end of a pause
  await pause(500);
  const cut = await replica({ url });
  await proxy.admit('refuse');
  proxy.cut();
  await until(() => !cut.link.state.up);
  // the other one has looked and found nothing: from now on only a notification wakes it
  await pause(500);
  for (const text of ['a', 'b', 'c']) {
    await cut.emit(text);
    await until(() => received.at(-1) === text, 20_000);
  }
  expect(received).toEqual(['a', 'b', 'c']);
  await until(async () => (await kit.count('outbox')) === 0);
});

test('events of one player leave in order although the first ones found no queue', async () => {
  const { relay } = await replica();
  const reader = kit.database().read;
  const push = (partition: string, text: string): Promise<unknown> =>
    sql`INSERT INTO outbox (exchange, routing_key, message_id, type, headers, body)
      VALUES (${EXCHANGE.push}, ${`push.${partition}`}, ${randomUUID()}, 'x@1', '{}', ${JSON.stringify({ text })})`.execute(
      tables(reader),
    );
  for (const text of ['1', '2', '3', '4']) await push('05', text);
  relay.wake();
  const refused = async (): Promise<number> => {
    const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM outbox WHERE attempts > 0`.execute(
      tables(reader),
    );
    return rows[0]?.n ?? -1;
  };
  await until(async () => (await refused()) > 0);
  // only the head of the lane was tried
  expect(await refused()).toBe(1);
  await bind(EXCHANGE.push, 'push.05');
  await until(() => received.length === 4, 30_000);
  expect(received).toEqual(['1', '2', '3', '4']);
});

const FIXTURE = path.join(import.meta.dirname, 'fixtures', 'stopped_relay_main.ts');

/** A relay in its own process; resolves when its transaction holds the outbox. */
async function relayProcess(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [FIXTURE, kit.temp.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  kit.defer(async () => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test('a relay whose process is stopped in the middle holds the outbox for seconds only; another replica takes over', async () => {
  const writer = new UnitOfWork({ database: kit.database(), onOutbox: () => undefined });
  await writer.run(async (_tx, outbox) => {
    for (const text of ['a', 'b', 'c']) outbox.emit(WORK_DONE, { text });
  });
  const child = await relayProcess();
  child.kill('SIGSTOP');
  const stoppedAt = performance.now();
  await replica();
  await pause(1_000);
  expect(received).toEqual([]);
  await until(() => received.length === 3, 13_000);
  // far below the time that any other transaction of the service may be silent
  expect(performance.now() - stoppedAt).toBeLessThan(14_000);
  expect(received).toEqual(['a', 'b', 'c']);
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  await once(child, 'exit');
  expect(child.exitCode).toBe(0);
});
