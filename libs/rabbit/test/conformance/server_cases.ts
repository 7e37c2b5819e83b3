import { expect } from 'vitest';
import { type ConformanceCase, classic, eventually, idsOf, message, queueSpec } from './bench.ts';
import type { ServerUnderTest } from './broker_under_test.ts';

/** Every queue that these cases make: their broker outlives them. */
export const SERVER_QUEUES = ['work', 'quorum', 'classic'] as const;

/** What only a broker of one's own can be asked for: an alarm, a restart, a death. */
export const SERVER_CASES: readonly ConformanceCase<ServerUnderTest>[] = [
  {
    title: 'under an alarm the first message blocks its connection, consumers go on, and afterwards everything is sent',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      await bench.fill('work', 3);
      const [publishLink, consumeLink] = [await bench.link('publish'), await bench.link('consume')];
      const publisher = bench.publisher(publishLink);
      expect(await publisher.publish(message('warm'))).toBe('confirmed');
      await bench.broker.alarm(true);
      try {
        expect(publishLink.state.blocked).toBe(false);
        expect(await publisher.publish(message('sent'), { timeoutMs: 500 })).toBe('unknown');
        await eventually(() => publishLink.state.blocked);
        const { seen } = await bench.gather(queueSpec('work'), { link: consumeLink });
        await eventually(() => seen.length === 4);
        for (const delivery of seen) delivery.ack();
        expect(consumeLink.state.blocked).toBe(false);
        expect(await publisher.publish(message('late'), { timeoutMs: 300 })).toBe('not_sent');
        const waiting = publisher.publish(message('waits'), { timeoutMs: 60_000 });
        await bench.broker.alarm(false);
        await eventually(() => !publishLink.state.blocked);
        expect(await waiting).toBe('confirmed');
        await eventually(() => seen.length === 6);
        expect(idsOf(seen).slice(4)).toEqual(['sent', 'waits']);
      } finally {
        await bench.broker.alarm(false);
      }
    },
  },
  {
    title: 'a restart keeps what is durable and persistent',
    run: async (bench) => {
      await keeps(() => bench.broker.restart(), bench);
    },
  },
  {
    title: 'a broker that dies keeps what it has confirmed',
    run: async (bench) => {
      await keeps(() => bench.broker.crash(), bench);
    },
  },
];

async function keeps(
  goesDown: () => Promise<void>,
  bench: Parameters<(typeof SERVER_CASES)[0]['run']>[0],
): Promise<void> {
  const link = await bench.link('publish');
  const publisher = bench.publisher(link);
  await bench.queue(queueSpec('quorum'), 'auth.*');
  await bench.queue(queueSpec('classic', { arguments: classic }), 'auth.*');
  for (const [id, persistent] of [
    ['kept', true],
    ['light', false],
  ] as const)
    expect(await publisher.publish(message(id, { persistent }))).toBe('confirmed');
  await goesDown();
  await eventually(() => link.state.up && link.state.epoch === 2);
  // A broker that has just started takes connections before its queues are at work.
  await eventually(async () => (await publisher.publish(message('after'))) === 'confirmed');
  const { channel } = await bench.openRaw();
  const all = async (queue: string): Promise<unknown[]> => {
    const ids: unknown[] = [];
    for (let got = await channel.get(queue); got !== false; got = await channel.get(queue))
      if (got.properties.messageId !== 'after') ids.push(got.properties.messageId);
    return ids;
  };
  expect(await all('classic')).toEqual(['kept']);
  expect(await all('quorum')).toEqual(['kept', 'light']);
}
