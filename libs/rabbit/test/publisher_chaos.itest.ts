import { AMQP_METHOD, bySize, type FaultProxy, tempVhost } from '@warren/testing';
import { type Channel, connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConfirmedPublisher, EXCHANGE, type OutgoingMessage, type RabbitLink } from '../src/index.ts';
import { Kit, until, watchUncaught } from './kit.ts';

const PUBLISHERS = 20;
const LINKS = 4;
const CHAOS_MS = bySize({ short: 4_000, full: 120_000 });
const AT_ONCE = 10;
/** Every tenth message has a key that no queue takes. */
const ASTRAY_EVERY = 10;
const uncaught = watchUncaught();

const message = (id: string, change: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  exchange: EXCHANGE.commands,
  key: 'allocator.do_it',
  body: Buffer.from('{}'),
  messageId: id,
  type: 'allocator.do_it@1',
  persistent: true,
  ...change,
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('confirmed publishers under fire', () => {
  let kit: Kit;
  let proxy: FaultProxy;
  let channel: Channel;

  beforeEach(async () => {
    const vhost = await tempVhost();
    kit = await Kit.open(vhost.url);
    kit.defer(() => vhost.drop());
    proxy = await kit.proxy();
    const raw = await connect(vhost.url, { noDelay: true });
    kit.defer(() => raw.close());
    channel = await raw.createChannel();
    await channel.assertQueue('q', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await channel.bindQueue('q', EXCHANGE.commands, 'allocator.*');
  });

  afterEach(async () => {
    await kit.close();
    expect(uncaught.seen).toEqual([]);
  });

  /** Ids of everything in the queue. */
  const takeAll = async (): Promise<string[]> => {
    const ids: string[] = [];
    await channel.consume('q', (got) => void ids.push(String(got?.properties.messageId)), { noAck: true });
    await until(async () => {
      const before = ids.length;
      await pause(200);
      return ids.length === before && (await channel.checkQueue('q')).messageCount === 0;
    }, 60_000);
    return ids;
  };

  it('of 20 publishers whose connections and channels break: all that was confirmed is in the queue, and nothing twice', {
    timeout: CHAOS_MS + 120_000,
  }, async () => {
    const links = await Promise.all(Array.from({ length: LINKS }, () => kit.link('publish', proxy.through(kit.url))));
    const outcomes = new Map<string, string>();
    const end = performance.now() + CHAOS_MS;
    const publish = async (publisher: ConfirmedPublisher, who: number): Promise<void> => {
      for (let n = 0; performance.now() < end; n++) {
        const ids = Array.from({ length: AT_ONCE }, (_, i) => `${who}-${n}-${i}`);
        await Promise.all(
          ids.map(async (id, i) => {
            const astray = i % ASTRAY_EVERY === ASTRAY_EVERY - 1;
            const options = { timeoutMs: 5_000 };
            outcomes.set(id, await publisher.publish(message(id, astray ? { key: 'nobody.takes_it' } : {}), options));
          }),
        );
      }
    };
    const publishers = Array.from({ length: PUBLISHERS }, (_, i) => kit.publisher(links[i % LINKS] as RabbitLink, 8));
    const all = Promise.all(publishers.map(publish));
    let faults = 0;
    for (; performance.now() < end - 500; faults++) {
      await pause(50 + Math.random() * 200);
      const kind = faults % 3;
      if (kind === 0) proxy.cut();
      else if (kind === 1) proxy.cutAtMethod('to_client', { method: AMQP_METHOD.basicAck, count: 5, when: 'before' });
      else await publishers[faults % PUBLISHERS]?.publish(message('bad', { exchange: 'no.such.exchange' }));
    }
    proxy.onFrame('to_client', undefined);
    await all;
    const inQueue = await takeAll();
    const stored = new Set(inQueue);
    const of = (outcome: string): string[] => [...outcomes].filter(([, got]) => got === outcome).map(([id]) => id);
    expect(of('confirmed').filter((id) => !stored.has(id))).toEqual([]);
    expect(of('returned').filter((id) => stored.has(id))).toEqual([]);
    expect(of('not_sent').filter((id) => stored.has(id))).toEqual([]);
    expect(of('confirmed').filter((id) => Number(id.split('-').at(-1)) === ASTRAY_EVERY - 1)).toEqual([]);
    expect(inQueue).toHaveLength(stored.size);
    // a run that met no fault would prove nothing
    expect(faults).toBeGreaterThan(10);
    expect(of('unknown').length).toBeGreaterThan(10);
    expect(of('returned').length).toBeGreaterThan(10);
    expect(of('confirmed').length).toBeGreaterThan(500);
  });

  it('a publish to an exchange that does not exist costs its channel: the others are confirmed or unknown, none hangs', async () => {
    let closed = 0;
    proxy.onFrame('to_client', (frame) => {
      if (frame.method === AMQP_METHOD.channelClose) closed++;
      return undefined;
    });
    const link = await kit.link('publish', proxy.through(kit.url));
    const publisher = kit.publisher(link, 16);
    await publisher.publish(message('warm'));
    const ids = Array.from({ length: 200 }, (_, i) => `m${i}`);
    const outcomes = await Promise.all(
      ids.map((id, i) => publisher.publish(message(id, i === 100 ? { exchange: 'no.such.exchange' } : {}))),
    );
    expect(outcomes[100]).toBe('unknown');
    await until(() => publisher.lastError?.code === 'BROKER_TOPOLOGY_MISSING' || publisher.lastError === undefined);
    expect(new Set(outcomes)).toEqual(new Set(['confirmed', 'unknown']));
    const inQueue = new Set(await takeAll());
    expect(ids.filter((id, i) => outcomes[i] === 'confirmed' && !inQueue.has(id))).toEqual([]);
    expect(await publisher.publish(message('next'))).toBe('confirmed');
    await pause(300);
    // not tried again by itself, and the connection is the first one
    expect(closed).toBe(1);
    expect(link.state.epoch).toBe(1);
    expect(publisher.lastError).toBeUndefined();
  });
});
