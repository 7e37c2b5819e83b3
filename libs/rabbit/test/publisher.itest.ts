import { AMQP_METHOD, type FaultProxy, faultProxy, tempVhost } from '@warren/testing';
import { type Channel, connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfirmedPublisher, EXCHANGE, type OutgoingMessage, type RabbitLink } from '../src/index.ts';
import { Kit, logger, until } from './kit.ts';

const message = (id: string, change: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  exchange: EXCHANGE.commands,
  key: 'allocator.do_it',
  body: Buffer.from('{}'),
  messageId: id,
  type: 'allocator.do_it@1',
  persistent: true,
  ...change,
});

describe('the confirmed publisher', () => {
  let kit: Kit;
  let proxy: FaultProxy;
  let link: RabbitLink;
  let channel: Channel;

  const publisherOf = (window?: number): ConfirmedPublisher => {
    const publisher = new ConfirmedPublisher({
      link,
      prefix: 'gateway',
      logger,
      metrics: kit.metrics,
      ...(window === undefined ? {} : { window }),
    });
    kit.defer(() => publisher.stop(0));
    return publisher;
  };

  beforeEach(async () => {
    const vhost = await tempVhost();
    kit = await Kit.open(vhost.url);
    kit.defer(() => vhost.drop());
    const { hostname, port } = new URL(vhost.url);
    proxy = await faultProxy({ target: { host: hostname, port: Number(port) } });
    kit.defer(() => proxy.close());
    const raw = await connect(vhost.url, { noDelay: true });
    kit.defer(() => raw.close());
    channel = await raw.createChannel();
    await channel.assertQueue('q', { durable: true });
    await channel.bindQueue('q', EXCHANGE.commands, 'allocator.*');
    link = await kit.link('publish', proxy.through(vhost.url));
  });

  afterEach(() => kit.close());

  it('confirms what a queue has taken, with the properties of the wire format', async () => {
    const publisher = publisherOf();
    expect(
      await publisher.publish(
        message('m1', { headers: { 'warren-attempt': 2 }, correlationId: 'c', expirationMs: 60_000 }),
      ),
    ).toBe('confirmed');
    const got = await channel.get('q', { noAck: true });
    expect(got).toMatchObject({
      properties: {
        messageId: 'm1',
        type: 'allocator.do_it@1',
        userId: link.user,
        appId: 'gateway',
        deliveryMode: 2,
        correlationId: 'c',
        expiration: '60000',
        headers: { 'warren-attempt': 2 },
      },
    });
  });

  it('tells returned messages from confirmed ones, also under one message id', async () => {
    const publisher = publisherOf();
    const keys = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 'nobody.takes_it' : 'allocator.do_it'));
    const outcomes = await Promise.all(keys.map((key, i) => publisher.publish(message(`m${i % 50}`, { key }))));
    expect(outcomes).toEqual(keys.map((key) => (key === 'nobody.takes_it' ? 'returned' : 'confirmed')));
    expect(await publisher.publish(message('event', { key: 'nobody.takes_it', mandatory: false }))).toBe('confirmed');
  });

  it('says nacked when the queue is full', async () => {
    await channel.assertQueue('full', {
      durable: true,
      arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' },
    });
    await channel.bindQueue('full', EXCHANGE.commands, 'full.*');
    const publisher = publisherOf();
    expect(await publisher.publish(message('1', { key: 'full.x' }))).toBe('confirmed');
    await until(async () => (await channel.checkQueue('full')).messageCount === 1);
    const outcomes = await Promise.all(['2', '3', '4'].map((id) => publisher.publish(message(id, { key: 'full.x' }))));
    expect(outcomes).toContain('nacked');
  });

  it('holds at most its window, and gives up what waits at its deadline while the link is down', async () => {
    const publisher = publisherOf(8);
    await publisher.publish(message('warm'));
    await proxy.admit('refuse');
    proxy.cut();
    await until(() => !link.state.up);
    const begin = performance.now();
    const outcomes = Promise.all(
      Array.from({ length: 100 }, (_, i) => publisher.publish(message(`m${i}`), { timeoutMs: 200 })),
    );
    expect(publisher.waiting).toBe(100);
    expect(new Set(await outcomes)).toEqual(new Set(['not_sent']));
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(publisher.waiting + publisher.inFlight).toBe(0);
    await proxy.admit('pass');
    expect(await publisher.publish(message('later'))).toBe('confirmed');
  });

  it('sends what waits as soon as the link is back', async () => {
    const publisher = publisherOf(4);
    await proxy.admit('refuse');
    proxy.cut();
    await until(() => !link.state.up);
    const outcomes = Promise.all(Array.from({ length: 50 }, (_, i) => publisher.publish(message(`m${i}`))));
    await proxy.admit('pass');
    expect(new Set(await outcomes)).toEqual(new Set(['confirmed']));
    expect((await channel.checkQueue('q')).messageCount).toBe(50);
  });

  it('never has more unconfirmed messages than its window, and says unknown when the confirms stay away', async () => {
    const publisher = publisherOf(5);
    await publisher.publish(message('warm'));
    proxy.flow('stall', 'to_client');
    const outcomes = Promise.all(
      Array.from({ length: 20 }, (_, i) => publisher.publish(message(`m${i}`), { timeoutMs: 300 })),
    );
    await until(() => publisher.inFlight === 5);
    const counts = (await outcomes).reduce<Record<string, number>>(
      (sum, outcome) => ({ ...sum, [outcome]: (sum[outcome] ?? 0) + 1 }),
      {},
    );
    expect(counts).toEqual({ unknown: 5, not_sent: 15 });
    proxy.flow('pass', 'to_client');
    expect(await publisher.publish(message('after'))).toBe('confirmed');
  });

  it('says unknown when the connection is cut between publish and confirm, and has it stored at most once', async () => {
    const publisher = publisherOf();
    await publisher.publish(message('warm'));
    proxy.cutAtMethod('to_client', { method: AMQP_METHOD.basicAck, when: 'before' });
    expect(await publisher.publish(message('m1'))).toBe('unknown');
    proxy.onFrame('to_client', undefined);
    expect(await publisher.publish(message('m2'))).toBe('confirmed');
    expect((await channel.checkQueue('q')).messageCount).toBeLessThanOrEqual(3);
  });

  it('recovers its channel after a publish to an exchange that does not exist, while the connection stays', async () => {
    const publisher = publisherOf();
    await publisher.publish(message('warm'));
    expect(await publisher.publish(message('lost', { exchange: 'no.such.exchange' }))).toBe('unknown');
    await until(() => publisher.lastError?.code === 'BROKER_TOPOLOGY_MISSING');
    expect(await publisher.publish(message('next'))).toBe('confirmed');
    expect(publisher.lastError).toBeUndefined();
    expect(link.state.epoch).toBe(1);
  });

  it('refuses messages that AMQP cannot carry, before they reach the channel', async () => {
    const publisher = publisherOf();
    const broken: Partial<OutgoingMessage>[] = [
      ...[1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 33].map((expirationMs) => ({ expirationMs })),
      ...['messageId', 'key', 'type', 'correlationId', 'replyTo', 'exchange'].map((field) => ({
        [field]: 'ü'.repeat(128),
      })),
      { headers: { big: 'x'.repeat(70_000) } },
      { headers: { half: 0.5 } },
      { headers: { ['n'.repeat(256)]: 'x' } },
      { body: Buffer.alloc(300_000) },
    ];
    for (const change of broken)
      await expect(publisher.publish(message('m', change))).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    expect(await publisher.publish(message('ü'.repeat(127)))).toBe('confirmed');
    expect(link.state.epoch).toBe(1);
  });
});
