import { tempVhost } from '@warren/testing';
import { type Channel, connect } from 'amqplib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Delivery, type QueueConsumer, type QueueSpec, type RabbitLink } from '../src/index.ts';
import { Kit, until } from './kit.ts';

const QUEUE: QueueSpec = {
  name: 'sequence',
  durable: true,
  exclusive: false,
  autoDelete: false,
  arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true },
  bindings: [],
};
const MESSAGES = 12;
const PREFETCH = 5;

let kit: Kit;
let link: RabbitLink;
let channel: Channel;

beforeEach(async () => {
  const vhost = await tempVhost();
  kit = await Kit.open(vhost.url);
  kit.defer(() => vhost.drop());
  const raw = await connect(vhost.url, { noDelay: true });
  kit.defer(() => raw.close());
  channel = await raw.createChannel();
  link = await kit.link('consume');
});

afterEach(() => kit.close());

const textOf = ({ body }: Delivery): string => body.toString();

/** The first consumer has five messages in hand; the second one waits for its end and then takes all that come. */
async function twoConsumers(): Promise<{ first: QueueConsumer; inHand: Delivery[]; second: string[] }> {
  const inHand: Delivery[] = [];
  const second: string[] = [];
  const first = await kit.consumer(link, QUEUE, (delivery) => inHand.push(delivery), PREFETCH);
  for (let i = 0; i < MESSAGES; i++) channel.sendToQueue(QUEUE.name, Buffer.from(String(i)));
  await until(() => inHand.length === PREFETCH);
  const take = (delivery: Delivery): void => {
    second.push(textOf(delivery));
    delivery.ack();
  };
  await kit.consumer(await kit.link('consume'), QUEUE, take, PREFETCH);
  return { first, inHand, second };
}

const numbers = (from: number): string[] => Array.from({ length: MESSAGES - from }, (_, index) => String(from + index));

test('what an abandoned consumer had in hand comes to the next one first and in its order, and what it acked does not', async () => {
  const { first, inHand, second } = await twoConsumers();
  inHand[0]?.ack();
  inHand[1]?.ack();
  await first.abandon();
  await until(() => second.length === MESSAGES - 2);
  expect(second).toEqual(numbers(2));
});

test('a consumer that is only cancelled lets the next one overtake what it has in hand: why it is abandoned instead', async () => {
  const { first, second } = await twoConsumers();
  await first.cancel();
  await until(() => second.length > 0);
  expect(second[0]).toBe(String(PREFETCH));
});

test('an abandoned consumer hands out nothing more', async () => {
  const { first, inHand } = await twoConsumers();
  const abandoned = first.abandon();
  for (const delivery of inHand.slice(0, 3)) delivery.ack();
  await abandoned;
  expect(inHand).toHaveLength(PREFETCH);
  expect(first.consuming).toBe(false);
});
