import type { GetMessage } from 'amqplib';
import { expect } from 'vitest';
import { declareServiceTopology, delayExchange, EXCHANGE, eventsQueue } from '../../src/index.ts';
import type { Bench } from './bench.ts';
import { type ConformanceCase, classic, eventually, message, pause, queueSpec } from './bench.ts';

const DEAD = queueSpec('auth.dead', { bindings: [{ exchange: EXCHANGE.dead, pattern: 'auth.dead' }] });
const TO_DEAD = { 'x-dead-letter-exchange': EXCHANGE.dead, 'x-dead-letter-routing-key': 'auth.dead' } as const;

const x = (bench: Bench): Promise<void> => bench.queue(DEAD);

const newestDeath = ({ properties }: GetMessage): unknown => properties.headers?.['x-death']?.[0];

export const DEAD_LETTER_CASES: readonly ConformanceCase[] = [
  {
    title: 'a queue whose messages expire sends them on with their key and their history',
    run: async (bench) => {
      await bench.queue(queueSpec('auth.dead', { bindings: [{ exchange: EXCHANGE.dead, pattern: '#' }] }));
      const args = { 'x-message-ttl': 200, 'x-dead-letter-exchange': EXCHANGE.dead };
      await bench.queue(queueSpec('work', { arguments: args }), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1', { headers: { mark: 7 } }))).toBe('confirmed');
      const dead = await bench.take('auth.dead');
      expect(dead.fields).toMatchObject({ exchange: EXCHANGE.dead, routingKey: 'auth.work', redelivered: false });
      expect(dead.properties).toMatchObject({ messageId: '1', deliveryMode: 2 });
      expect(dead.properties.headers).toMatchObject({
        mark: 7,
        'x-first-death-exchange': EXCHANGE.commands,
        'x-first-death-queue': 'work',
        'x-first-death-reason': 'expired',
        'x-death': [
          { count: 1, reason: 'expired', queue: 'work', exchange: EXCHANGE.commands, 'routing-keys': ['auth.work'] },
        ],
      });
    },
  },
  {
    title: 'a message with its own time to live expires once, and loses that time on the way',
    run: async (bench) => {
      await x(bench);
      await bench.queue(queueSpec('work', { arguments: TO_DEAD }), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1', { expirationMs: 100 }))).toBe('confirmed');
      const dead = await bench.take('auth.dead');
      expect(dead.properties.expiration).toBeUndefined();
      expect(dead.properties.headers).toMatchObject({
        'x-death': [{ reason: 'expired', 'original-expiration': '100' }],
      });
    },
  },
  {
    title: 'of two times to live the shorter one counts',
    run: async (bench) => {
      const spec = queueSpec('work', { arguments: { ...classic, 'x-message-ttl': 200 } });
      await bench.queue(spec, 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1', { expirationMs: 60_000 }))).toBe('confirmed');
      await bench.holds('work', 0);
    },
  },
  {
    title: 'an expired message behind one that lives on stays until it is the first',
    run: async (bench) => {
      await x(bench);
      await bench.queue(queueSpec('work', { arguments: { ...classic, ...TO_DEAD } }), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('long', { expirationMs: 60_000 }))).toBe('confirmed');
      expect(await publisher.publish(message('short', { expirationMs: 50 }))).toBe('confirmed');
      await pause(700);
      expect(await bench.ready('work')).toBe(2);
      expect((await bench.take('work')).properties.messageId).toBe('long');
      expect((await bench.take('auth.dead')).properties.messageId).toBe('short');
      expect(await bench.ready('work')).toBe(0);
    },
  },
  {
    title: 'a message with no time to live at all reaches a consumer who waits for it, and nobody else',
    run: async (bench) => {
      const spec = queueSpec('work', { arguments: classic });
      await bench.queue(spec, 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1', { expirationMs: 0 }))).toBe('confirmed');
      await bench.holds('work', 0);
      const { seen } = await bench.gather(spec);
      expect(await publisher.publish(message('2', { expirationMs: 0 }))).toBe('confirmed');
      await eventually(() => seen.length === 1);
      expect(seen[0]?.properties.messageId).toBe('2');
    },
  },
  {
    title: 'a rejected message goes to the dead letters, and without them it is gone',
    run: async (bench) => {
      await x(bench);
      await bench.queue(queueSpec('work', { arguments: TO_DEAD }));
      await bench.queue(queueSpec('plain'));
      for (const queue of ['work', 'plain']) {
        await bench.fill(queue, 1);
        const got = await bench.raw.get(queue);
        if (got === false) throw new Error(`${queue} is empty`);
        bench.raw.nack(got, false, false);
        await bench.holds(queue, 0);
      }
      const dead = await bench.take('auth.dead');
      expect(dead.properties.headers).toMatchObject({ 'x-death': [{ reason: 'rejected', queue: 'work', count: 1 }] });
      expect(dead.fields.routingKey).toBe('auth.dead');
      await bench.holds('auth.dead', 0);
    },
  },
  {
    title: 'what a full queue drops goes to the dead letters',
    run: async (bench) => {
      await x(bench);
      await bench.queue(queueSpec('work', { arguments: { ...TO_DEAD, 'x-max-length': 1 } }));
      await bench.fill('work', 2);
      const dead = await bench.take('auth.dead');
      expect(dead.properties.messageId).toBe('0');
      expect(dead.properties.headers).toMatchObject({ 'x-death': [{ reason: 'maxlen', queue: 'work' }] });
    },
  },
  {
    title: 'a copy in a delay tier comes back to the queue that its key names',
    run: async (bench) => {
      const link = await bench.link('consume');
      await declareServiceTopology(link, 'coordinator');
      const queue = eventsQueue('coordinator', 'leases');
      const publisher = bench.publisher(await bench.link('publish'));
      const begin = performance.now();
      const copy = message('1', { exchange: delayExchange('1s'), key: queue, headers: { 'warren-attempt': 2 } });
      expect(await publisher.publish(copy)).toBe('confirmed');
      const back = await bench.take(queue);
      expect(performance.now() - begin).toBeGreaterThan(900);
      expect(back.fields).toMatchObject({ exchange: EXCHANGE.deliver, routingKey: queue });
      expect(back.properties.headers).toMatchObject({
        'warren-attempt': 2,
        'x-death': [{ reason: 'expired', queue: 'coordinator.retry.1s', exchange: delayExchange('1s') }],
      });
    },
  },
  {
    title: 'a letter that dies again in the same queue for the same reason is counted',
    run: async (bench) => {
      const back = { 'x-dead-letter-exchange': EXCHANGE.commands, 'x-dead-letter-routing-key': 'auth.work' };
      await bench.queue({ ...DEAD, arguments: { ...DEAD.arguments, ...back } });
      await bench.queue(queueSpec('work', { arguments: TO_DEAD }), 'auth.*');
      await bench.fill('work', 1);
      for (const count of [1, 2]) {
        bench.raw.reject(await bench.hold('work'), false);
        const dead = await bench.hold('auth.dead');
        expect(newestDeath(dead)).toMatchObject({ queue: 'work', reason: 'rejected', count });
        bench.raw.reject(dead, false);
      }
    },
  },
  {
    title: 'the newest death of a letter is its own, whatever deaths its sender has written on it',
    run: async (bench) => {
      await x(bench);
      await bench.queue(queueSpec('work', { arguments: TO_DEAD }));
      const others = ['here', 'there'].map((queue) => ({
        queue,
        reason: 'expired',
        exchange: 'x',
        'routing-keys': ['k'],
        count: 7,
      }));
      bench.raw.sendToQueue('work', Buffer.from('1'), { headers: { 'x-death': others } });
      bench.raw.reject(await bench.hold('work'), false);
      expect(newestDeath(await bench.take('auth.dead'))).toMatchObject({ queue: 'work', reason: 'rejected', count: 1 });
    },
  },
  {
    title: 'a letter that would go round for ever without anybody touching it is dropped',
    run: async (bench) => {
      const args = { ...classic, 'x-message-ttl': 50, 'x-dead-letter-exchange': EXCHANGE.commands };
      await bench.queue(queueSpec('work', { arguments: args }), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1'))).toBe('confirmed');
      await pause(1_000);
      expect(await bench.ready('work')).toBe(0);
      expect(await publisher.publish(message('2'))).toBe('confirmed');
    },
  },
  {
    title: 'a safe dead letter without a place does not come back to the queue, and reaches no other',
    run: async (bench) => {
      const args = {
        ...TO_DEAD,
        'x-dead-letter-exchange': EXCHANGE.commands,
        'x-dead-letter-routing-key': 'nobody.takes_it',
        'x-dead-letter-strategy': 'at-least-once',
        'x-overflow': 'reject-publish',
        'x-message-ttl': 100,
      };
      await bench.queue(queueSpec('work', { arguments: args }));
      await bench.fill('work', 1);
      await bench.holds('work', 0);
      await bench.queue(queueSpec('late'), 'nobody.*');
      await pause(500);
      expect(await bench.ready('late')).toBe(0);
      expect(await bench.ready('work')).toBe(0);
    },
  },
];
