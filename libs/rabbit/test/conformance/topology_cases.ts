import { expect } from 'vitest';
import { declareExchanges, declareServiceTopology, EXCHANGE, queuesOf, serviceSpec } from '../../src/index.ts';
import { type ConformanceCase, classic, eventually, message, pause, queueSpec } from './bench.ts';
import type { RawChannel, UsersUnderTest } from './broker_under_test.ts';

export const TOPOLOGY_CASES: readonly ConformanceCase<UsersUnderTest>[] = [
  {
    title: 'exchanges and the queues of a service are declared twice without complaint',
    run: async (bench) => {
      const link = await bench.link('consume');
      for (const _ of [1, 2]) {
        await declareExchanges(bench.url, bench.broker.connect);
        await declareServiceTopology(link, 'coordinator');
      }
      for (const { name } of queuesOf(serviceSpec('coordinator'))) expect(await bench.ready(name)).toBe(0);
    },
  },
  {
    title: 'an exchange that is missing is named',
    run: async (bench) => {
      await bench.raw.deleteExchange(EXCHANGE.push);
      await expect(declareServiceTopology(await bench.link('consume'), 'coordinator')).rejects.toMatchObject({
        code: 'BROKER_TOPOLOGY_MISSING',
        message: expect.stringContaining(EXCHANGE.push) as string,
      });
    },
  },
  {
    title: 'a right to a key is none to the same key with a newline behind it',
    run: async (bench) => {
      const urlOf = await bench.broker.users();
      await bench.queue(queueSpec('allocator.rpc', { arguments: classic }));
      const deeds = (end: string): ((channel: RawChannel) => Promise<unknown>)[] => [
        (channel) => channel.bindQueue('allocator.rpc', EXCHANGE.rpc, `allocator.*${end}`),
        (channel) =>
          new Promise<void>((resolve, reject) => {
            const confirmed = (error: unknown): void => (error === null ? resolve() : reject(error));
            channel.publish(EXCHANGE.push, `push.03${end}`, Buffer.from('{}'), {}, confirmed);
          }),
      ];
      const errors: unknown[] = [];
      for (const end of ['', '\n'])
        for (const deed of deeds(end)) {
          const channel = await bench.broker.raw(urlOf('allocator'));
          channel.on('error', (error) => errors.push('code' in error ? error.code : error));
          await deed(channel).catch(() => undefined);
          if (end === '') expect(errors).toEqual([]);
        }
      await eventually(() => errors.length === 2);
      expect(errors).toEqual([403, 403]);
    },
  },
  {
    title: 'a queue with another argument is a drift that names the queue and the argument',
    run: async (bench) => {
      await bench.queue(queueSpec('work', { arguments: { 'x-max-length': 5 } }));
      const started = bench.gather(queueSpec('work', { arguments: { 'x-max-length': 6 } }));
      await expect(started).rejects.toMatchObject({
        code: 'BROKER_TOPOLOGY_DRIFT',
        message: expect.stringMatching(/work.*x-max-length/) as string,
      });
    },
  },
  {
    title: 'a queue that goes with its last consumer is not the same as one that stays',
    run: async (bench) => {
      const spec = queueSpec('work', { autoDelete: true, arguments: classic });
      await bench.queue(spec);
      await expect(bench.gather({ ...spec, autoDelete: false })).rejects.toMatchObject({
        code: 'BROKER_TOPOLOGY_DRIFT',
      });
    },
  },
  {
    title: 'an argument that the broker does not know is ignored, also when it changes',
    run: async (bench) => {
      await bench.queue(queueSpec('work', { arguments: { 'x-of-our-own': 1 } }));
      const { consumer } = await bench.gather(queueSpec('work', { arguments: { 'x-of-our-own': 2 } }));
      expect(consumer.consuming).toBe(true);
    },
  },
  {
    title: 'an argument that makes no sense is refused',
    run: async (bench) => {
      const spec = queueSpec('work', { arguments: { ...classic, 'x-message-ttl': -1 } });
      await expect(bench.gather(spec)).rejects.toMatchObject({ code: 'BROKER_TOPOLOGY_DRIFT' });
      expect(await bench.exists('work')).toBe(false);
    },
  },
  {
    title: 'a binding to an exchange that does not exist says which one',
    run: async (bench) => {
      const spec = queueSpec('work', { bindings: [{ exchange: 'nowhere', pattern: '#' }] });
      const { channel } = await bench.openRaw();
      await channel.assertQueue('work', { ...spec, arguments: spec.arguments });
      await expect(channel.bindQueue('work', 'nowhere', '#')).rejects.toMatchObject({
        code: 404,
        message: expect.stringContaining("NOT_FOUND - no exchange 'nowhere' in vhost") as string,
      });
    },
  },
  {
    title: 'a queue that is declared again keeps its messages',
    run: async (bench) => {
      const spec = queueSpec('work');
      await bench.queue(spec);
      await bench.fill('work', 3);
      const { seen } = await bench.gather(spec);
      await eventually(() => seen.length === 3);
    },
  },
  {
    title: 'an exclusive queue is closed to other connections, and goes with its own',
    run: async (bench) => {
      const link = await bench.link('consume');
      await bench.gather(queueSpec('mine', { exclusive: true, durable: false }), { link });
      const { channel, errors } = await bench.openRaw();
      await expect(channel.checkQueue('mine')).rejects.toMatchObject({ code: 405 });
      expect(errors).toEqual([405]);
      await link.stop();
      await eventually(async () => !(await bench.exists('mine')));
    },
  },
  {
    title: 'an auto-delete queue goes with its last consumer, and not before it had one',
    run: async (bench) => {
      const spec = queueSpec('passing', { autoDelete: true, arguments: classic });
      await bench.queue(spec);
      const [first, second] = [await bench.gather(spec), await bench.gather(spec)];
      await first.consumer.close();
      expect(await bench.exists('passing')).toBe(true);
      await second.consumer.close();
      await eventually(async () => !(await bench.exists('passing')));
    },
  },
  {
    title: 'a queue that nobody uses goes after its time, and not while it has a consumer',
    run: async (bench) => {
      const spec = queueSpec('unused', { arguments: { ...classic, 'x-expires': 500 } });
      const { consumer } = await bench.gather(spec);
      await pause(1_500);
      expect(await bench.exists('unused')).toBe(true);
      await consumer.close();
      await eventually(async () => {
        await pause(1_000);
        return !(await bench.exists('unused'));
      });
    },
  },
  {
    title: 'a queue that two bindings mean gets a message once',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*', '#', 'auth.work', 'auth.work');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1'))).toBe('confirmed');
      await bench.holds('work', 1);
    },
  },
  {
    title: 'a deleted queue takes its bindings with it',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      const publisher = bench.publisher(await bench.link('publish'));
      expect(await publisher.publish(message('1'))).toBe('confirmed');
      await bench.raw.deleteQueue('work');
      expect(await publisher.publish(message('2'))).toBe('returned');
      await bench.queue(queueSpec('work'));
      expect(await publisher.publish(message('3'))).toBe('returned');
    },
  },
];
