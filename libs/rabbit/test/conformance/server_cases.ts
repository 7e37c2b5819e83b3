import { expect } from 'vitest';
import { type ConformanceCase, classic, eventually, message, queueSpec } from './bench.ts';
import type { ServerUnderTest } from './broker_under_test.ts';

/** What only a broker of one's own can be asked for: an alarm, a restart, a death. */
export const SERVER_CASES: readonly ConformanceCase<ServerUnderTest>[] = [
  {
    title: 'while an alarm is on nothing is published, consumers go on, and afterwards everything is sent',
    run: async (bench) => {
      await bench.queue(queueSpec('work'), 'auth.*');
      await bench.fill('work', 3);
      const publishLink = await bench.link('publish');
      const publisher = bench.publisher(publishLink);
      expect(await publisher.publish(message('warm'))).toBe('confirmed');
      await bench.broker.alarm(true);
      await eventually(() => publishLink.state.blocked);
      const consumeLink = await bench.link('consume');
      const { seen } = await bench.gather(queueSpec('work'), { link: consumeLink });
      await eventually(() => seen.length === 4);
      for (const delivery of seen) delivery.ack();
      expect(consumeLink.state.blocked).toBe(false);
      expect(await publisher.publish(message('late'), { timeoutMs: 300 })).toBe('not_sent');
      const waiting = publisher.publish(message('waits'), { timeoutMs: 60_000 });
      await bench.broker.alarm(false);
      await eventually(() => !publishLink.state.blocked);
      expect(await waiting).toBe('confirmed');
      await eventually(() => seen.some(({ properties }) => properties.messageId === 'waits'));
    },
  },
  {
    title: 'a restart keeps what is durable and persistent, and nothing else',
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
  await bench.queue(queueSpec('passing', { durable: false, arguments: classic }), 'auth.*');
  for (const [id, persistent] of [
    ['kept', true],
    ['light', false],
  ] as const)
    expect(await publisher.publish(message(id, { persistent }))).toBe('confirmed');
  await goesDown();
  await eventually(() => link.state.up && link.state.epoch === 2);
  const { channel } = await bench.openRaw();
  const all = async (queue: string): Promise<unknown[]> => {
    const ids: unknown[] = [];
    for (let got = await channel.get(queue); got !== false; got = await channel.get(queue))
      ids.push(got.properties.messageId);
    return ids;
  };
  expect(await all('classic')).toEqual(['kept']);
  expect(await all('quorum')).toEqual(['kept', 'light']);
  expect(await bench.exists('passing')).toBe(false);
  expect(await publisher.publish(message('after'))).toBe('confirmed');
}
