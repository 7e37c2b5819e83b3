import { expect } from 'vitest';
import { type ConformanceCase, classic, eventually, idsOf, pause, queueSpec, sorted } from './bench.ts';

const WORK = queueSpec('work');
const CLASSIC = queueSpec('work', { arguments: classic });

export const CONSUMER_CASES: readonly ConformanceCase[] = [
  {
    title: 'a consumer holds at most its prefetch, and gets more for what it settles',
    run: async (bench) => {
      const { seen } = await bench.gather(WORK, { prefetch: 3 });
      await bench.fill('work', 10);
      await eventually(() => seen.length === 3);
      await pause(200);
      expect(seen).toHaveLength(3);
      seen[0]?.ack();
      seen[1]?.requeue();
      await eventually(() => seen.length === 5);
      await pause(200);
      expect(seen.filter((delivery) => !delivery.settled)).toHaveLength(3);
    },
  },
  {
    title: 'what is acked is gone, one by one or up to a gap, when the consumer closes',
    run: async (bench) => {
      const { seen, consumer } = await bench.gather(WORK, { prefetch: 20 });
      await bench.fill('work', 10);
      await eventually(() => seen.length === 10);
      for (const i of [0, 1, 2, 4, 6, 7]) seen[i]?.ack();
      await consumer.close();
      await bench.holds('work', 4);
      const left: string[] = [];
      for (let i = 0; i < 4; i++) left.push(String((await bench.take('work')).properties.messageId));
      expect(sorted(left)).toEqual(['3', '5', '8', '9']);
    },
  },
  {
    title: 'a requeued message comes again, marked as redelivered, before those behind it',
    run: async (bench) => {
      await bench.queue(CLASSIC);
      await bench.fill('work', 3);
      const { seen } = await bench.gather(CLASSIC, { prefetch: 1 });
      await eventually(() => seen.length === 1);
      seen[0]?.requeue();
      await eventually(() => seen.length === 2);
      expect(idsOf(seen)).toEqual(['0', '0']);
      expect(seen.map(({ redelivered }) => redelivered)).toEqual([false, true]);
    },
  },
  {
    title: 'messages that go back to a classic queue take their old places',
    run: async (bench) => {
      await bench.queue(CLASSIC);
      await bench.fill('work', 5);
      const { seen, consumer } = await bench.gather(CLASSIC, { prefetch: 3 });
      await eventually(() => seen.length === 3);
      await consumer.cancel();
      for (const i of [2, 0, 1]) seen[i]?.nack();
      await bench.holds('work', 5);
      const order = [];
      for (let i = 0; i < 5; i++) order.push((await bench.take('work')).properties.messageId);
      expect(order).toEqual(['0', '1', '2', '3', '4']);
    },
  },
  {
    title: 'messages that go back to a quorum queue with a delivery limit come before those that never left it',
    run: async (bench) => {
      const spec = queueSpec('work', { arguments: { 'x-delivery-limit': 10 } });
      await bench.queue(spec);
      await bench.fill('work', 5);
      const { seen, consumer } = await bench.gather(spec, { prefetch: 3 });
      await eventually(() => seen.length === 3);
      await consumer.cancel();
      for (const i of [2, 0, 1]) {
        seen[i]?.nack();
        await bench.holds('work', 2 + [2, 0, 1].indexOf(i) + 1);
      }
      const order = [];
      for (let i = 0; i < 5; i++) order.push((await bench.take('work')).properties.messageId);
      expect(order).toEqual(['2', '0', '1', '3', '4']);
    },
  },
  {
    title: 'a quorum queue counts how often a message came back, and says so',
    run: async (bench) => {
      const { seen } = await bench.gather(WORK, { prefetch: 1 });
      await bench.fill('work', 1);
      for (let i = 0; i < 3; i++) {
        await eventually(() => seen.length === i + 1);
        if (i % 2 === 0) seen[i]?.requeue();
        else seen[i]?.nack();
      }
      await eventually(() => seen.length === 4);
      expect(seen.map(({ properties }) => properties.headers?.['x-delivery-count'])).toEqual([undefined, 1, 2, 3]);
    },
  },
  {
    title: 'after its delivery limit a message goes to the dead letters, with the reason',
    run: async (bench) => {
      const limited = {
        'x-delivery-limit': 2,
        'x-dead-letter-exchange': 'warren.dead',
        'x-dead-letter-routing-key': 'auth.dead',
      };
      await bench.queue(queueSpec('auth.dead', { bindings: [{ exchange: 'warren.dead', pattern: 'auth.dead' }] }));
      const { seen } = await bench.gather(queueSpec('work', { arguments: limited }), { prefetch: 1 });
      await bench.fill('work', 1);
      for (let i = 0; i < 3; i++) {
        await eventually(() => seen.length === i + 1);
        seen[i]?.requeue();
      }
      const dead = await bench.take('auth.dead');
      expect(dead.properties.headers).toMatchObject({
        'x-first-death-reason': 'delivery_limit',
        'x-first-death-queue': 'work',
        'x-death': [{ count: 1, reason: 'delivery_limit', queue: 'work', exchange: '', 'routing-keys': ['work'] }],
      });
      expect(seen).toHaveLength(3);
    },
  },
  {
    title: 'what a consumer had in its hands goes back when its channel closes',
    run: async (bench) => {
      const { seen, consumer } = await bench.gather(WORK, { prefetch: 5 });
      await bench.fill('work', 5);
      await eventually(() => seen.length === 5);
      seen[2]?.ack();
      await consumer.close();
      await bench.holds('work', 4);
      const first = await bench.take('work');
      expect(first.fields.redelivered).toBe(true);
      seen[0]?.ack();
      expect(seen[0]?.lost).toBe(true);
      await bench.holds('work', 3);
    },
  },
  {
    title: 'a broken connection gives everything back, and late settlements change nothing',
    run: async (bench) => {
      const { seen, consumer } = await bench.gather(WORK, { prefetch: 10 });
      await bench.fill('work', 10);
      await eventually(() => seen.length === 10);
      const first = seen.splice(0);
      bench.broker.cut();
      await eventually(() => first.every((delivery) => delivery.lost));
      for (const delivery of first) delivery.ack();
      await eventually(() => seen.length === 10 && consumer.consuming);
      expect(seen.every(({ redelivered }) => redelivered)).toBe(true);
      expect(sorted(idsOf(seen))).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
      expect(await bench.count('warren_rabbit_settles_total', 'how="stale"')).toBe(10);
      for (const delivery of seen) delivery.ack();
      await consumer.close();
      await bench.holds('work', 0);
    },
  },
  {
    title: 'two consumers share a queue evenly',
    run: async (bench) => {
      const first = await bench.gather(WORK, { prefetch: 100 });
      const second = await bench.gather(WORK, { prefetch: 100 });
      await bench.fill('work', 40);
      await eventually(() => first.seen.length + second.seen.length === 40);
      expect(Math.abs(first.seen.length - second.seen.length)).toBeLessThanOrEqual(2);
    },
  },
  {
    title: 'a single active consumer gets everything, and its successor once it leaves',
    run: async (bench) => {
      const spec = queueSpec('work', { arguments: { 'x-single-active-consumer': true } });
      const first = await bench.gather(spec, { prefetch: 2 });
      const second = await bench.gather(spec, { prefetch: 10 });
      await bench.fill('work', 6);
      await eventually(() => first.seen.length === 2);
      await pause(200);
      expect(second.seen).toHaveLength(0);
      await first.consumer.close();
      await eventually(() => second.seen.length === 6);
      expect(sorted(idsOf(second.seen))).toEqual(['0', '1', '2', '3', '4', '5']);
    },
  },
  {
    title: 'after cancel nothing comes any more, what came can be settled, and a new start goes on',
    run: async (bench) => {
      const { seen, consumer } = await bench.gather(WORK, { prefetch: 5 });
      await bench.fill('work', 12);
      await eventually(() => seen.length === 5);
      await consumer.cancel();
      for (const delivery of seen) delivery.ack();
      await bench.holds('work', 7);
      expect(seen).toHaveLength(5);
      await consumer.start();
      await eventually(() => seen.length === 10);
      expect(idsOf(seen).slice(5)).toEqual(['5', '6', '7', '8', '9']);
    },
  },
  {
    title: 'a consumer whose queue is deleted declares it again and goes on, on the same connection',
    run: async (bench) => {
      const link = await bench.link('consume');
      const { seen, consumer } = await bench.gather(WORK, { link });
      await bench.raw.deleteQueue('work');
      await eventually(() => !consumer.consuming);
      await eventually(() => consumer.consuming);
      await bench.fill('work', 1);
      await eventually(() => seen.length === 1);
      expect(link.state.epoch).toBe(1);
    },
  },
  {
    title: 'a delivery is settled once: the broker closes a channel that settles twice, and gives the rest back',
    run: async (bench) => {
      await bench.queue(WORK);
      await bench.fill('work', 2);
      const { channel, errors } = await bench.openRaw();
      const first = await channel.get('work');
      const second = await channel.get('work');
      if (first === false || second === false) throw new Error('the queue is empty');
      channel.ack(first);
      channel.ack(first);
      await eventually(() => errors.length === 1);
      expect(errors).toEqual([406]);
      expect((await bench.take('work')).properties.messageId).toBe('1');
    },
  },
  {
    title: 'an exclusive consumer of a classic queue keeps others out',
    run: async (bench) => {
      await bench.queue(CLASSIC);
      const { channel } = await bench.openRaw();
      await channel.consume('work', () => undefined, { exclusive: true });
      const other = await bench.openRaw();
      await expect(other.channel.consume('work', () => undefined)).rejects.toMatchObject({ code: 403 });
    },
  },
  {
    title: 'a quorum queue does not know exclusive consumers',
    run: async (bench) => {
      await bench.queue(WORK);
      const { channel } = await bench.openRaw();
      await channel.consume('work', () => undefined, { exclusive: true });
      const other = await bench.openRaw();
      expect(await other.channel.consume('work', () => undefined)).toHaveProperty('consumerTag');
    },
  },
  {
    title: 'a callback that throws costs nothing but its own message, which comes again',
    run: async (bench) => {
      let thrown = 0;
      const consumer = await bench.consumer(await bench.link('consume'), WORK, (delivery) => {
        if (thrown++ === 0) throw new Error('a mistake');
        delivery.ack();
      });
      await bench.fill('work', 1);
      await eventually(() => thrown === 2);
      expect(consumer.consuming).toBe(true);
    },
  },
];
