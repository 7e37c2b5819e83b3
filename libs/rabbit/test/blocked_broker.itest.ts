import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { bySize, type PrivateServers, privateServers, type TestBroker } from '@warren/testing';
import { type Channel, connect } from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { type Delivery, EXCHANGE } from '../src/index.ts';
import { Kit, quorumQueue, until } from './kit.ts';

const MAIN = path.join(import.meta.dirname, 'fixtures', 'blocked_publisher_main.ts');
const ATTEMPTS = bySize({ short: 200_000, full: 2_000_000 });
const TIMEOUT_MS = 2_000;
const TOLD_MS = 500;
const WINDOW = 256;
const MAX_WAITING = 10_000;
const MOST_MEGABYTES = 20;
const MESSAGES = 500;
const QUEUE = quorumQueue('work', [{ exchange: EXCHANGE.commands, pattern: 'work.*' }]);
const KEY = 'work.do_it';

const Growth = z.object({
  outcomes: z.record(z.string(), z.number()),
  heldMegabytes: z.number(),
  mostWaiting: z.number(),
  mostInFlight: z.number(),
  blocked: z.boolean(),
});

let servers: PrivateServers;
let broker: TestBroker;
let kit: Kit;
let channel: Channel;
const children: ChildProcess[] = [];

beforeAll(async () => {
  servers = await privateServers();
  broker = await servers.rabbit();
  kit = await Kit.open(broker.url);
  const raw = await connect(broker.url);
  kit.defer(() => raw.close());
  channel = await raw.createChannel();
  await channel.assertQueue(QUEUE.name, { durable: true, arguments: QUEUE.arguments });
  await channel.bindQueue(QUEUE.name, EXCHANGE.commands, 'work.*');
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await kit.close();
  await servers.destroy();
});

const ALARM = '{resource_limit, memory, node()}';
const memoryAlarm = (on: boolean): Promise<string> =>
  broker.erlang(on ? `rabbit_alarm:set_alarm({${ALARM}, []}).` : `rabbit_alarm:clear_alarm(${ALARM}).`);

/** A publisher in a process of its own: tells what became of so many messages, each with a limit of milliseconds. */
function publisher(): (count: number, timeoutMs: number) => Promise<z.infer<typeof Growth>> {
  const child = spawn(process.execPath, ['--expose-gc', MAIN, broker.url, KEY], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async (count, timeoutMs) => {
    child.stdin.write(`${count} ${timeoutMs}\n`);
    return Growth.parse(JSON.parse(String((await lines.next()).value)));
  };
}

test('while the broker takes nothing, publishes end as not_sent at their deadline and memory does not grow', {
  timeout: 300_000,
}, async () => {
  const publish = publisher();
  const warm = await publish(20_000, 60_000);
  expect(warm.outcomes['confirmed']).toBeGreaterThan(10_000);
  await channel.purgeQueue(QUEUE.name);
  await memoryAlarm(true);
  // a connection hears of the alarm when it publishes
  await until(async () => (await publish(1, TOLD_MS)).blocked, 30_000);
  const begin = performance.now();
  const { outcomes, heldMegabytes, mostWaiting, mostInFlight, blocked } = await publish(ATTEMPTS, TIMEOUT_MS);
  const took = performance.now() - begin;
  await memoryAlarm(false);
  process.stdout.write(`blocked broker: ${ATTEMPTS} publishes, memory + ${heldMegabytes.toFixed(1)} MB\n`);
  expect(blocked).toBe(true);
  expect(outcomes).toEqual({ not_sent: ATTEMPTS });
  expect(took).toBeGreaterThan(TIMEOUT_MS);
  expect(mostWaiting).toBeLessThanOrEqual(MAX_WAITING);
  expect(mostInFlight).toBeLessThanOrEqual(WINDOW);
  expect(heldMegabytes).toBeLessThan(MOST_MEGABYTES);
  await channel.purgeQueue(QUEUE.name);
  expect((await publish(100, 30_000)).outcomes).toEqual({ confirmed: 100 });
  await channel.purgeQueue(QUEUE.name);
});

test('while the broker takes nothing, the consumers of the process go on receiving and acking', async () => {
  await channel.purgeQueue(QUEUE.name);
  const seen: Delivery[] = [];
  let acking = false;
  const [publishLink, consumeLink] = await Promise.all([kit.link('publish'), kit.link('consume')]);
  const confirmed = kit.publisher(publishLink);
  const send = (id: string, timeoutMs: number): Promise<string> =>
    confirmed.publish(
      { exchange: EXCHANGE.commands, key: KEY, body: Buffer.from(id), messageId: id, type: 'x@1', persistent: true },
      { timeoutMs },
    );
  await Promise.all(Array.from({ length: MESSAGES }, (_, i) => send(String(i), 30_000)));
  await kit.consumer(consumeLink, QUEUE, (delivery) => {
    seen.push(delivery);
    if (acking) delivery.ack();
  });
  await until(() => seen.length === 10);
  await memoryAlarm(true);
  const stuck = send('stuck', 60_000);
  await until(() => publishLink.state.blocked, 20_000);
  acking = true;
  for (const delivery of seen) if (!delivery.settled) delivery.ack();
  await until(() => seen.length >= MESSAGES, 20_000);
  await until(async () => (await channel.checkQueue(QUEUE.name)).messageCount === 0);
  expect(publishLink.state).toMatchObject({ up: true, blocked: true, epoch: 1 });
  expect(consumeLink.state).toMatchObject({ up: true, epoch: 1 });
  expect(await send('another', 200)).toBe('not_sent');
  await memoryAlarm(false);
  expect(await stuck).toBe('confirmed');
  await until(() => seen.length === MESSAGES + 1);
});
