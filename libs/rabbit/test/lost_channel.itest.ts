import { AMQP_METHOD, ackFrame, type FaultProxy, type TempVhost, tempVhost } from '@warren/testing';
import { type Channel, connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Delivery, EXCHANGE, QueueConsumer, type RabbitLink } from '../src/index.ts';
import { Kit, logger, quorumQueue, until, watchUncaught } from './kit.ts';

const QUEUE = quorumQueue('work', [{ exchange: EXCHANGE.commands, pattern: 'work.*' }]);
const UNKNOWN_TAG = 999_999;
/** Acks are collected for some milliseconds. */
const ACKS_TOLD_MS = 50;
const uncaught = watchUncaught();

describe('a consumer that loses its channel while the connection lives', () => {
  let vhost: TempVhost;
  let kit: Kit;
  let proxy: FaultProxy;
  let link: RabbitLink;
  let channel: Channel;
  let seen: Delivery[];
  /** Where the last consumer was set up. */
  let place: { connection: number; channel: number };
  const note = (delivery: Delivery): void => void seen.push(delivery);

  beforeEach(async () => {
    seen = [];
    vhost = await tempVhost();
    kit = await Kit.open(vhost.url);
    kit.defer(() => vhost.drop());
    const raw = await connect(vhost.url, { noDelay: true });
    kit.defer(() => raw.close());
    channel = await raw.createChannel();
    proxy = await kit.proxy();
    proxy.onFrame('to_server', (frame, connection) => {
      if (frame.method === AMQP_METHOD.basicConsume) place = { connection, channel: frame.channel };
      return undefined;
    });
    link = await kit.link('consume', proxy.through(vhost.url));
  });

  afterEach(async () => {
    await kit.close();
    expect(uncaught.seen).toEqual([]);
  });

  const send = (count: number): void => {
    for (let i = 0; i < count; i++) channel.publish(EXCHANGE.commands, 'work.do_it', Buffer.from(String(i)));
  };
  const recoveries = (): Promise<number> => kit.count('warren_rabbit_consumer_recoveries_total', 'queue="work"');
  const stale = (): Promise<number> => kit.count('warren_rabbit_settles_total', 'how="stale"');

  it('lets ten handlers settle what the broker has taken back: ten stale settlements, nothing thrown', async () => {
    const consumer = await kit.consumer(link, QUEUE, note, 10);
    send(10);
    await until(() => seen.length === 10);
    const first = seen.splice(0);
    proxy.inject('to_server', ackFrame(place.channel, UNKNOWN_TAG), place.connection);
    await until(() => first.every((delivery) => delivery.lost));
    first.forEach((delivery, i) => {
      if (i < 4) delivery.ack();
      else if (i < 7) delivery.requeue();
      else delivery.nack();
    });
    expect(await stale()).toBe(10);
    await until(() => seen.length === 10 && consumer.consuming);
    expect(seen.every((delivery) => delivery.redelivered)).toBe(true);
    for (const delivery of seen) delivery.ack();
    await consumer.close();
    await until(async () => (await channel.checkQueue('work')).messageCount === 0);
    expect(await stale()).toBe(10);
    expect(link.state.epoch).toBe(1);
  });

  it('lets handlers settle while their channel is being closed: stale settlements, nothing thrown', async () => {
    const consumer = await kit.consumer(link, QUEUE, note, 10);
    let closing = false;
    proxy.onFrame('to_server', ({ method }) => {
      if (closing || method !== AMQP_METHOD.channelClose) return undefined;
      closing = true;
      // until the broker's answer comes amqplib throws
      proxy.flow('stall', 'to_client');
      return undefined;
    });
    send(9);
    await until(() => seen.length === 9);
    await channel.deleteQueue('work');
    await until(() => closing);
    seen.splice(0).forEach((delivery, i) => {
      expect(delivery.lost).toBe(false);
      if (i % 3 === 0) delivery.ack();
      else if (i % 3 === 1) delivery.requeue();
      else delivery.nack();
    });
    await new Promise((resolve) => setTimeout(resolve, ACKS_TOLD_MS));
    // acks are told together, so that some of them count as one
    expect(await stale()).toBeGreaterThan(6);
    proxy.flow('pass', 'to_client');
    await until(async () => (await recoveries()) === 1);
    expect(consumer.consuming).toBe(true);
    expect(link.state.epoch).toBe(1);
  });

  it('consumes again after the broker closed the channel with 406, and counts the recovery', async () => {
    const consumer = await kit.consumer(link, QUEUE, note);
    expect(await recoveries()).toBe(0);
    proxy.inject('to_server', ackFrame(place.channel, UNKNOWN_TAG), place.connection);
    await until(async () => (await recoveries()) === 1);
    expect(consumer.consuming).toBe(true);
    send(1);
    await until(() => seen.length === 1);
    expect(await channel.checkQueue('work')).toMatchObject({ consumerCount: 1 });
    expect(link.state.epoch).toBe(1);
  });

  it('declares, binds and consumes a queue again that was deleted under it, and counts the recovery', async () => {
    const consumer = await kit.consumer(link, QUEUE, note);
    await channel.deleteQueue('work');
    await until(async () => (await recoveries()) === 1);
    expect(consumer.consuming).toBe(true);
    expect(await channel.checkQueue('work')).toMatchObject({ consumerCount: 1 });
    send(1);
    await until(() => seen.length === 1);
    expect(link.state.epoch).toBe(1);
  });

  it('says that the queue is missing, and goes on trying, while it cannot come back', async () => {
    await kit.consumer(link, QUEUE, note).then((declared) => declared.close());
    const deps = { link, queue: QUEUE, prefetch: 1, declare: false, onDelivery: note, logger, metrics: kit.metrics };
    const consumer = new QueueConsumer(deps);
    kit.defer(() => consumer.close());
    await consumer.start();
    await channel.deleteQueue('work');
    await until(() => consumer.lastError?.code === 'BROKER_TOPOLOGY_MISSING');
    expect(consumer.consuming).toBe(false);
    expect(await kit.count('warren_rabbit_consuming', 'queue="work"')).toBe(0);
    await channel.assertQueue('work', { durable: true });
    await until(() => consumer.consuming, 15_000);
    expect(await recoveries()).toBe(1);
  });

  it('does not count a start after a cancel as a recovery', async () => {
    const consumer = await kit.consumer(link, QUEUE, note);
    await consumer.cancel();
    await consumer.start();
    expect(await recoveries()).toBe(0);
  });
});
