import { systemClock } from '@warren/kernel';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BrokerConnection } from '../src/broker_port.ts';
import { type Delivery, type QueueConsumer, type RabbitLink } from '../src/index.ts';
import { MemoryBroker } from '../src/memory/index.ts';
import type { RawChannel } from './conformance/broker_under_test.ts';
import { Kit, quorumQueue, until } from './kit.ts';

const QUEUE = quorumQueue('work');
const PREFETCH = 6;
/** Each frame takes so long, so that every place of a set-up can be met. */
const FRAME_MS = 8;
const PLACES = Array.from({ length: 40 }, (_, place) => place * 5);
const MESSAGES = 20;

let broker: MemoryBroker;
let kit: Kit;
let link: RabbitLink;
let connection: BrokerConnection;
let raw: RawChannel;
let consumer: QueueConsumer;
let inHand: Delivery[];

beforeEach(async () => {
  inHand = [];
  broker = new MemoryBroker();
  kit = await Kit.open(broker.url(), broker.connect);
  link = await kit.link('consume');
  consumer = await kit.consumer(link, QUEUE, (delivery) => void inHand.push(delivery), PREFETCH);
  const options = { signal: new AbortController().signal, clientProperties: { connection_name: 'raw' } };
  connection = await broker.connect(broker.url(), options);
  connection.on('error', () => undefined);
  raw = (await connection.createConfirmChannel()) as RawChannel;
  for (let n = 0; n < MESSAGES; n++) raw.publish('', QUEUE.name, Buffer.from(String(n)), { persistent: true });
  broker.inject({ delayMs: [FRAME_MS, FRAME_MS] });
});

afterEach(async () => {
  broker.inject({});
  await kit.close();
  broker.close();
});

/** The link breaks, and `place` milliseconds of its recovery have passed. */
async function recovering(place: number): Promise<void> {
  broker.cut((name) => name.startsWith('warren.'));
  inHand = [];
  await systemClock.sleep(place);
}

/** Consumers of the queue; none while it is not there. */
async function consumers(): Promise<number> {
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  return channel.checkQueue(QUEUE.name).then(
    ({ consumerCount }) => channel.close().then(() => consumerCount),
    () => 0,
  );
}

const unsettled = (): number => inHand.filter(({ settled, lost }) => !settled && !lost).length;

test('a consumer that is cancelled and started again at any moment of its recovery consumes, once, with the limit of its last start', {
  timeout: 60_000,
}, async () => {
  for (const [index, place] of PLACES.entries()) {
    const limit = index % 2 === 0 ? PREFETCH : 1;
    await recovering(place);
    await consumer.cancel();
    const wanted = unsettled() + limit;
    if (index % 3 === 0) await systemClock.sleep(FRAME_MS);
    const started = consumer.start(limit).then(() => 'started');
    expect([place, await Promise.race([started, systemClock.sleep(2_000)])]).toEqual([place, 'started']);
    await until(() => unsettled() >= wanted);
    await systemClock.sleep(3 * FRAME_MS);
    expect([place, unsettled(), await consumers()]).toEqual([place, wanted, 1]);
  }
});

test('a consumer whose queue is deleted at any moment of its recovery consumes again', {
  timeout: 60_000,
}, async () => {
  for (const place of PLACES) {
    await recovering(place);
    await raw.deleteQueue(QUEUE.name);
    await systemClock.sleep(10 * FRAME_MS);
    await until(async () => consumer.consuming && (await consumers()) === 1);
  }
});
