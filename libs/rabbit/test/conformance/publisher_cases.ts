import { expect } from 'vitest';
import { EXCHANGE } from '../../src/index.ts';
import { type ConformanceCase, classic, eventually, message, queueSpec } from './bench.ts';

const SHUT = { 'x-overflow': 'reject-publish' } as const;

export const PUBLISHER_CASES: readonly ConformanceCase[] = [
  {
    title: 'a message arrives as it was sent, with every property',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      const link = await bench.link('publish');
      const headers = { 'warren-attempt': 2, traceparent: 'a-b-c' };
      const sent = message('m1', { headers, correlationId: 'c1', replyTo: 'r1', expirationMs: 60_000 });
      expect(await bench.publisher(link).publish(sent)).toBe('confirmed');
      const got = await bench.take('work');
      expect(got.content.toString()).toBe('{"id":"m1"}');
      expect(got.fields).toMatchObject({ exchange: EXCHANGE.commands, routingKey: 'auth.work', redelivered: false });
      expect(got.properties).toMatchObject({
        contentType: 'application/json',
        messageId: 'm1',
        type: 'auth.work@1',
        userId: link.user,
        appId: 'gateway',
        deliveryMode: 2,
        correlationId: 'c1',
        replyTo: 'r1',
        expiration: '60000',
        timestamp: expect.any(Number) as number,
        headers,
      });
    },
  },
  {
    title: 'what one publisher sends arrives in its order',
    run: async (bench) => {
      const spec = queueSpec('work');
      await bench.queue(spec, 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      const ids = Array.from({ length: 500 }, (_, i) => String(i));
      expect(new Set(await Promise.all(ids.map((id) => publisher.publish(message(id)))))).toEqual(
        new Set(['confirmed']),
      );
      const { seen } = await bench.gather(spec, { prefetch: 1_000 });
      await eventually(() => seen.length === ids.length);
      expect(seen.map(({ properties }) => properties.messageId)).toEqual(ids);
    },
  },
  {
    title: 'a full classic queue that refuses nacks what is too much',
    run: async (bench) => {
      await bench.queue(queueSpec('full', { arguments: { ...classic, ...SHUT, 'x-max-length': 2 } }), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      const outcomes = [];
      for (const id of ['1', '2', '3', '4']) outcomes.push(await publisher.publish(message(id)));
      expect(outcomes).toEqual(['confirmed', 'confirmed', 'nacked', 'nacked']);
      await bench.take('full');
      await bench.holds('full', 1);
      expect(await publisher.publish(message('5'))).toBe('confirmed');
    },
  },
  {
    title: 'a full quorum queue that refuses takes one too many and nacks the rest',
    run: async (bench) => {
      await bench.queue(queueSpec('full', { arguments: { ...SHUT, 'x-max-length': 2 } }), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      const outcomes = [];
      for (const id of ['1', '2', '3', '4', '5']) outcomes.push(await publisher.publish(message(id)));
      expect(outcomes).toEqual(['confirmed', 'confirmed', 'confirmed', 'nacked', 'nacked']);
      await bench.holds('full', 3);
    },
  },
  {
    title: 'a full queue that drops keeps the newest and confirms every message',
    run: async (bench) => {
      await bench.queue(queueSpec('full', { arguments: { 'x-max-length': 2 } }), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      for (const id of ['1', '2', '3', '4']) expect(await publisher.publish(message(id))).toBe('confirmed');
      await bench.holds('full', 2);
      expect((await bench.take('full')).properties.messageId).toBe('3');
      expect((await bench.take('full')).properties.messageId).toBe('4');
    },
  },
  {
    title: 'one full queue among several is enough for a nack, and the others have the message',
    run: async (bench) => {
      await bench.queue(queueSpec('full', { arguments: { ...classic, ...SHUT, 'x-max-length': 0 } }), 'auth.*');
      await bench.queue(queueSpec('roomy'), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1'))).toBe('nacked');
      await bench.holds('roomy', 1);
    },
  },
  {
    title: 'an exchange that is missing makes the outcome unknown, and the publisher works again once it is there',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      const link = await bench.link('publish');
      const publisher = bench.publisher(link);
      expect(await publisher.publish(message('1'))).toBe('confirmed');
      expect(await publisher.publish(message('2', { exchange: 'nowhere' }))).toBe('unknown');
      expect(await publisher.publish(message('3'))).toBe('confirmed');
      expect(link.state.epoch).toBe(1);
    },
  },
  {
    title: 'the broker refuses a message with the name of another user',
    run: async (bench) => {
      const { channel, errors } = await bench.openRaw();
      channel.publish(EXCHANGE.commands, 'auth.work', Buffer.from('{}'), { userId: 'somebody-else' });
      await eventually(() => errors.length === 1);
      expect(errors).toEqual([406]);
      expect(() => channel.publish('', 'q', Buffer.from(''))).toThrow(/Channel closed/);
    },
  },
  {
    title: 'a message that expires in no whole number of milliseconds closes the channel',
    run: async (bench) => {
      const { channel, errors } = await bench.openRaw();
      channel.publish(EXCHANGE.commands, 'auth.work', Buffer.from('{}'), { expiration: '1.5' });
      await eventually(() => errors.length === 1);
      expect(errors).toEqual([406]);
    },
  },
  {
    title: 'messages whose connection breaks have an unknown outcome, and what waited is sent on the next one',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      const link = await bench.link('publish');
      const publisher = bench.publisher(link, 4);
      expect(await publisher.publish(message('warm'))).toBe('confirmed');
      const outcomes = Promise.all(Array.from({ length: 40 }, (_, i) => publisher.publish(message(String(i)))));
      expect(publisher.inFlight).toBe(4);
      bench.broker.cut();
      const counts = new Map<string, number>();
      for (const outcome of await outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      expect(counts.get('unknown') ?? 0).toBeLessThanOrEqual(4);
      expect(counts.get('confirmed')).toBeGreaterThanOrEqual(36);
      await eventually(async () => (await bench.ready('work')) >= 37);
      expect(await bench.ready('work')).toBeLessThanOrEqual(41);
    },
  },
  {
    title: 'messages wait while nobody listens, until their deadline',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      const link = await bench.link('publish');
      const publisher = bench.publisher(link);
      await bench.broker.refuse(true);
      bench.broker.cut();
      await eventually(() => !link.state.up);
      expect(await publisher.publish(message('1'), { timeoutMs: 200 })).toBe('not_sent');
      const waiting = publisher.publish(message('2'), { timeoutMs: 30_000 });
      await bench.broker.refuse(false);
      expect(await waiting).toBe('confirmed');
      await bench.holds('work', 1);
    },
  },
];
