import { AMQP_METHOD, faultProxy, type TempVhost, tempVhost } from '@warren/testing';
import { type Channel, type ChannelModel, connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Delivery, declareServiceTopology, QueueConsumer, type RabbitLink } from '../src/index.ts';
import { Kit, logger, quorumQueue, until } from './kit.ts';

const QUEUE = quorumQueue('work');

describe('a queue consumer', () => {
  let kit: Kit;
  let vhost: TempVhost;
  let link: RabbitLink;
  let raw: ChannelModel;
  let channel: Channel;
  let seen: Delivery[];
  const note = (delivery: Delivery): void => {
    seen.push(delivery);
  };

  beforeEach(async () => {
    seen = [];
    vhost = await tempVhost();
    kit = await Kit.open(vhost.url);
    kit.defer(() => vhost.drop());
    raw = await connect(vhost.url, { noDelay: true });
    kit.defer(() => raw.close());
    channel = await raw.createChannel();
    link = await kit.link('consume');
  });

  afterEach(() => kit.close());

  const send = (count: number): void => {
    for (let i = 0; i < count; i++) channel.sendToQueue('work', Buffer.from(String(i)), { messageId: String(i) });
  };

  it('hands out at most its prefetch, and more once deliveries are settled', async () => {
    await kit.consumer(link, QUEUE, note, 3);
    send(10);
    await until(() => seen.length === 3);
    seen[0]?.ack();
    seen[1]?.nack();
    await until(() => seen.length >= 5);
    expect(seen.filter((delivery) => !delivery.settled)).toHaveLength(3);
  });

  it('closed right after its start has told the broker of every ack that was given', async () => {
    await (await kit.consumer(link, QUEUE, note, 200)).close();
    const acked = new Set<string>();
    for (let round = 0; round < 30; round++) {
      channel.sendToQueue('work', Buffer.from('x'), { messageId: `round ${round}` });
      await until(async () => (await channel.checkQueue('work')).messageCount > 0);
      const settle = (delivery: Delivery): void => {
        acked.add(delivery.properties.messageId ?? '');
        delivery.ack();
      };
      const consumer = await kit.consumer(link, QUEUE, settle, 200);
      // the message comes with the answer to the consumer or a moment later
      if (round % 2 === 0) await until(() => acked.has(`round ${round}`));
      await consumer.close();
      await until(async () => (await channel.checkQueue('work')).consumerCount === 0);
      const left = await channel.get('work', { noAck: true });
      expect(left === false ? '' : left.properties.messageId).not.toSatisfy((id: string) => acked.has(id));
    }
    expect(acked.size).toBeGreaterThanOrEqual(15);
  });

  it('tells the broker of 100 acks of one turn in one frame, and of acks behind a gap one by one', async () => {
    const { hostname, port } = new URL(vhost.url);
    const proxy = await faultProxy({ target: { host: hostname, port: Number(port) } });
    kit.defer(() => proxy.close());
    let frames = 0;
    proxy.onFrame('to_server', (frame) => {
      if (frame.method === AMQP_METHOD.basicAck) frames++;
      return undefined;
    });
    await kit.consumer(await kit.link('consume', proxy.through(vhost.url)), QUEUE, note, 200);
    send(210);
    await until(() => seen.length === 200);
    for (const delivery of seen.slice(0, 100)) delivery.ack();
    await until(() => seen.length === 210);
    expect(frames).toBe(1);
    seen[100]?.nack();
    for (const delivery of seen.slice(102, 105)) delivery.ack();
    await until(() => frames === 4);
    seen[101]?.ack();
    for (const delivery of seen.slice(105, 211)) delivery.ack();
    await until(async () => (await channel.checkQueue('work')).messageCount === 0 && frames <= 6);
    for (const delivery of seen.slice(210)) if (!delivery.settled) delivery.ack();
    await until(
      async () => (await vhost.queues()).every((queue) => queue.name !== 'work' || queue.messages === 0),
      15_000,
    );
  });

  it('brings a requeued message back, marked as redelivered', async () => {
    await kit.consumer(link, QUEUE, note);
    send(1);
    await until(() => seen.length === 1);
    seen[0]?.requeue();
    await until(() => seen.length === 2);
    expect(seen[1]).toMatchObject({ redelivered: true, key: 'work', settled: false });
    seen[1]?.ack();
  });

  it('settles a delivery once: what follows is counted and does nothing', async () => {
    const consumer = await kit.consumer(link, QUEUE, note);
    send(2);
    await until(() => seen.length === 2);
    seen[0]?.ack();
    seen[0]?.ack();
    seen[0]?.requeue();
    await until(async () => (await kit.count('warren_rabbit_settles_total', 'how="double"')) === 2);
    expect(consumer.consuming).toBe(true);
  });

  it('counts settlements of a lost channel as stale, and gets the messages again on the next one', async () => {
    const { hostname, port } = new URL(vhost.url);
    const proxy = await faultProxy({ target: { host: hostname, port: Number(port) } });
    kit.defer(() => proxy.close());
    const consumer = await kit.consumer(await kit.link('consume', proxy.through(vhost.url)), QUEUE, note);
    send(10);
    await until(() => seen.length === 10);
    const first = seen.splice(0);
    proxy.cut();
    await until(() => first.every((delivery) => delivery.lost));
    for (const delivery of first) delivery.ack();
    await until(() => seen.length === 10 && consumer.consuming);
    expect(await kit.count('warren_rabbit_settles_total', 'how="stale"')).toBe(10);
    for (const delivery of seen) {
      expect(delivery.redelivered).toBe(true);
      delivery.ack();
    }
    await until(async () => (await channel.checkQueue('work')).messageCount === 0);
  });

  it('declares and consumes its queue again after somebody deleted it', async () => {
    const consumer = await kit.consumer(link, QUEUE, note);
    await channel.deleteQueue('work');
    await until(() => !consumer.consuming);
    await until(() => consumer.consuming);
    send(1);
    await until(() => seen.length === 1);
    expect(link.state.epoch).toBe(1);
  });

  it('keeps trying a queue that it may not declare, says why, and consumes once it is there', async () => {
    const consumer = new QueueConsumer({
      link,
      queue: QUEUE,
      prefetch: 1,
      declare: false,
      onDelivery: note,
      logger,
      metrics: kit.metrics,
    });
    kit.defer(() => consumer.close());
    const started = consumer.start();
    await until(() => consumer.lastError?.code === 'BROKER_TOPOLOGY_MISSING');
    await channel.assertQueue('work', { durable: true });
    await started;
    expect(consumer.lastError).toBeUndefined();
  });

  it('refuses to start on a queue with other arguments, and names queue and argument', async () => {
    await channel.assertQueue('work', { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': 5 } });
    const spec = { ...QUEUE, arguments: { ...QUEUE.arguments, 'x-max-length': 6 } };
    const consumer = new QueueConsumer({
      link,
      queue: spec,
      prefetch: 1,
      declare: true,
      onDelivery: note,
      logger,
      metrics: kit.metrics,
    });
    kit.defer(() => consumer.close());
    await expect(consumer.start()).rejects.toMatchObject({
      code: 'BROKER_TOPOLOGY_DRIFT',
      message: expect.stringMatching(/work.*x-max-length/) as string,
    });
  });

  it('delivers nothing after cancel has resolved, and goes on after another start', async () => {
    const consumer = await kit.consumer(link, QUEUE, note, 5);
    send(20);
    await until(() => seen.length === 5);
    await consumer.cancel();
    expect(consumer.consuming).toBe(false);
    const before = seen.length;
    for (const delivery of seen) delivery.ack();
    await until(async () => (await channel.checkQueue('work')).messageCount === 20 - before);
    expect(seen).toHaveLength(before);
    await consumer.start();
    await until(() => seen.length > before);
  });

  it('survives a callback that throws: the message is requeued, the channel stays', async () => {
    let thrown = 0;
    const consumer = await kit.consumer(link, QUEUE, (delivery) => {
      if (thrown++ === 0) throw new Error('a mistake');
      delivery.ack();
    });
    send(1);
    await until(() => thrown === 2);
    expect(consumer.consuming).toBe(true);
  });

  it('declares the topology of a service, and says what is missing where the set-up did not run', async () => {
    await declareServiceTopology(link, 'coordinator');
    const names = (await vhost.queues()).map((queue) => queue.name);
    expect(names).toEqual(
      expect.arrayContaining([
        'coordinator.rpc',
        'coordinator.events.leases',
        'coordinator.retry.10m',
        'coordinator.dead',
      ]),
    );
    await channel.deleteExchange('warren.push');
    await expect(declareServiceTopology(link, 'coordinator')).rejects.toMatchObject({
      code: 'BROKER_TOPOLOGY_MISSING',
      message: expect.stringContaining('warren.push') as string,
    });
  });
});
