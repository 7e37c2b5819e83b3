import { expect } from 'vitest';
import { type ConformanceCase, eventually, message, queueSpec } from './bench.ts';

export const LINK_CASES: readonly ConformanceCase[] = [
  {
    title: 'a user whom the broker does not know is refused at once',
    run: async (bench) => {
      const link = bench.coldLink('publish', bench.broker.strangersUrl);
      link.start();
      await expect(link.ready(20_000)).rejects.toMatchObject({ code: 'BROKER_ACCESS_REFUSED' });
      expect(link.state).toMatchObject({ up: false, fatal: true, epoch: 0 });
    },
  },
  {
    title: 'a vhost that does not exist is refused after a few tries',
    run: async (bench) => {
      const link = bench.coldLink('publish', bench.broker.nowhereUrl);
      link.start();
      await expect(link.ready(20_000)).rejects.toMatchObject({ code: 'BROKER_ACCESS_REFUSED' });
      expect(link.state.lastError?.message).toMatch(/vhost/);
    },
  },
  {
    title: 'a link waits for a broker that is not there yet',
    run: async (bench) => {
      await bench.broker.refuse(true);
      const link = bench.coldLink('publish');
      link.start();
      await expect(link.ready(200)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await bench.broker.refuse(false);
      await link.ready(20_000);
      expect(link.state).toMatchObject({ up: true, epoch: 1, fatal: false });
    },
  },
  {
    title: 'a link whose connection breaks makes another one and sets everything up again',
    run: async (bench) => {
      const link = await bench.link('consume');
      const epochs: number[] = [];
      link.use(async (session) => void epochs.push(session.epoch));
      for (const epoch of [1, 2, 3]) {
        await eventually(() => link.state.up && epochs.at(-1) === epoch);
        if (epoch < 3) bench.broker.cut();
      }
      expect(epochs).toEqual([1, 2, 3]);
    },
  },
  {
    title: 'a channel that the broker closes does not take its connection with it',
    run: async (bench) => {
      const link = await bench.link('publish');
      const codes: unknown[] = [];
      link.use(async (session) => {
        const [bad, good] = [await session.openChannel(), await session.openChannel()];
        await bad.checkQueue('nowhere').catch((error: unknown) => codes.push(error));
        await good.assertQueue('somewhere', { durable: true, arguments: queueSpec('somewhere').arguments });
        codes.push(await good.checkQueue('somewhere'));
      });
      await eventually(() => codes.length === 2);
      expect(codes[0]).toMatchObject({
        code: 404,
        message: expect.stringContaining('Operation failed: QueueDeclare; 404 (NOT-FOUND) with message') as string,
      });
      expect(codes[1]).toMatchObject({ queue: 'somewhere', messageCount: 0, consumerCount: 0 });
      expect(link.state.epoch).toBe(1);
    },
  },
  {
    title: 'queues and messages outlive the connection that made them',
    run: async (bench) => {
      const first = await bench.link('publish');
      await bench.queue(queueSpec('work'), 'auth.*');
      expect(await bench.publisher(first).publish(message('1'))).toBe('confirmed');
      await first.stop();
      const { seen } = await bench.gather(queueSpec('work'));
      await eventually(() => seen.length === 1);
    },
  },
  {
    title: 'a stopped link is down, and what it consumed goes back',
    run: async (bench) => {
      const link = await bench.link('consume');
      const { seen } = await bench.gather(queueSpec('work'), { link });
      await bench.fill('work', 2);
      await eventually(() => seen.length === 2);
      await link.stop();
      expect(link.state.up).toBe(false);
      await bench.holds('work', 2);
    },
  },
];
