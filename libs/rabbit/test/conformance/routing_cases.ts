import { expect } from 'vitest';
import { EXCHANGE, UNROUTABLE_QUEUE } from '../../src/index.ts';
import { type ConformanceCase, message, queueSpec } from './bench.ts';

/** Pattern, keys that fit, keys that do not. */
const PATTERNS: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['auth.*', ['auth.login', 'auth.'], ['auth', 'auth.login.p1', 'other.login']],
  ['*.login', ['auth.login', '.login'], ['login', 'auth.x.login']],
  ['auth.#', ['auth', 'auth.login', 'auth.login.p1'], ['authx.login', 'x.auth']],
  ['#.p1', ['p1', 'auth.p1', 'auth.login.p1'], ['auth.p10', 'p1.auth']],
  ['auth.*.p3', ['auth.login.p3'], ['auth.p3', 'auth.a.b.p3']],
  ['#', ['', 'a', 'a.b.c'], []],
  ['*', ['a'], ['', 'a.b']],
  ['a.#.b.#.c', ['a.b.c', 'a.x.b.y.z.c', 'a.b.b.c'], ['a.c', 'a.b', 'a.b.c.d']],
  ['*.#', ['a', 'a.b'], ['']],
  ['a..b', ['a..b'], ['a.b']],
];

export const ROUTING_CASES: readonly ConformanceCase[] = [
  {
    title: 'a star stands for one word of the key, a hash for any number of them',
    run: async (bench) => {
      const publisher = bench.publisher(await bench.link('publish'));
      for (const [pattern, fitting, others] of PATTERNS) {
        await bench.queue(queueSpec('work'), pattern);
        const outcome = (key: string): Promise<string> => publisher.publish(message(key, { key }));
        const outcomes = await Promise.all([...fitting, ...others].map(outcome));
        const expected = [...fitting.map(() => 'confirmed'), ...others.map(() => 'returned')];
        expect([pattern, ...outcomes]).toEqual([pattern, ...expected]);
        await bench.raw.deleteQueue('work');
      }
    },
  },
  {
    title: 'a message that no queue takes comes back before it is confirmed, and so each gets its own outcome',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      const keys = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 'nobody.takes_it' : 'auth.work'));
      const outcomes = await Promise.all(keys.map((key, i) => publisher.publish(message(`m${i % 50}`, { key }))));
      expect(outcomes).toEqual(keys.map((key) => (key === 'auth.work' ? 'confirmed' : 'returned')));
    },
  },
  {
    title: 'a message that is not mandatory is confirmed without a queue',
    run: async (bench) => {
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1', { key: 'nobody.takes_it', mandatory: false }))).toBe('confirmed');
    },
  },
  {
    title: 'what an exchange cannot place goes to its alternate, and does not come back',
    run: async (bench) => {
      const publisher = bench.publisher(await bench.link('publish'));
      const sent = message('1', { exchange: EXCHANGE.deliver, key: 'no.such.queue' });
      expect(await publisher.publish(sent)).toBe('confirmed');
      const found = await bench.take(UNROUTABLE_QUEUE.name);
      expect(found.fields).toMatchObject({ exchange: EXCHANGE.deliver, routingKey: 'no.such.queue' });
      expect(found.properties.messageId).toBe('1');
    },
  },
  {
    title: 'every queue that a key means gets the message',
    run: async (bench) => {
      await bench.queue(queueSpec('one'), 'auth.*');
      await bench.queue(queueSpec('two'), '#');
      await bench.queue(queueSpec('three'), 'other.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1'))).toBe('confirmed');
      for (const [queue, count] of [
        ['one', 1],
        ['two', 1],
        ['three', 0],
      ] as const)
        await bench.holds(queue, count);
    },
  },
  {
    title: 'an unbound queue gets nothing more',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*', 'other.*');
      await bench.raw.unbindQueue('work', EXCHANGE.commands, 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1'))).toBe('returned');
      expect(await publisher.publish(message('2', { key: 'other.work' }))).toBe('confirmed');
    },
  },
];
