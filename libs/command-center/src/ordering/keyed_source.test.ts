import { silentLogger, systemClock, systemRng } from '@warren/kernel';
import { type Delivery, HEADER, type QueueSpec, RabbitLink } from '@warren/rabbit';
import { MemoryBroker } from '@warren/rabbit/memory';
import { Metrics } from '@warren/telemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KeyedSource } from './keyed_source.ts';

const QUEUE: QueueSpec = {
  name: 'shop.commands.p00',
  durable: true,
  exclusive: false,
  autoDelete: false,
  arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true },
  bindings: [],
};

let broker: MemoryBroker;
let link: RabbitLink;
let source: KeyedSource;
let inHand: Delivery[];
/** What the store was told, in order. */
let told: string[];
let losesLease: boolean;

beforeEach(async () => {
  inHand = [];
  told = [];
  losesLease = false;
  broker = new MemoryBroker();
  const logger = silentLogger();
  const metrics = new Metrics('test');
  link = new RabbitLink({ url: broker.url(), role: 'consume', name: 'test', logger, metrics, connect: broker.connect });
  link.start();
  await link.ready(5_000);
  const store = {
    announce: async () => 1,
    claim: async (partition: number) => told.push(`claim ${partition}`) > 0,
    renew: async (partitions: readonly number[]) => {
      const lost = losesLease;
      losesLease = false;
      return lost ? [] : partitions;
    },
    release: async (partition: number) => void told.push(`release ${partition}`),
    leave: async () => undefined,
  };
  source = new KeyedSource({
    queues: [QUEUE],
    prefetch: 8,
    maxConcurrentTasks: 8,
    name: 'shop',
    instance: 'one',
    store,
    link,
    onDelivery: (delivery) => void inHand.push(delivery),
    clock: systemClock,
    rng: systemRng,
    logger,
    metrics,
  });
});

afterEach(async () => {
  for (const delivery of inHand) delivery.ack();
  await source.close();
  await link.stop();
  broker.close();
});

async function send(...keys: readonly string[]): Promise<void> {
  const connection = await broker.connect(broker.url(), { signal: new AbortController().signal });
  const channel = await connection.createChannel();
  for (const key of keys)
    channel.publish('', QUEUE.name, Buffer.from(key), { persistent: true, headers: { [HEADER.key]: key } });
  await channel.close();
  await connection.close();
}

const textsOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ body }) => body.toString());

test('a partition that was lost and taken again is given back when its own commands have ended, not those of before', async () => {
  await source.start();
  await expect.poll(() => source.consuming).toBe(true);
  await send('a', 'b');
  await expect.poll(() => textsOf(inHand)).toEqual(['a', 'b']);
  losesLease = true;
  await expect.poll(() => told, { timeout: 5_000 }).toEqual(['claim 0', 'claim 0']);
  const before = inHand.splice(0);
  for (const delivery of before) delivery.ack();
  await expect.poll(() => textsOf(inHand)).toEqual(['a', 'b']);
  await source.cancel();
  await systemClock.sleep(100);
  expect(told).not.toContain('release 0');
  for (const delivery of inHand) delivery.ack();
  await expect.poll(() => told).toContain('release 0');
});
