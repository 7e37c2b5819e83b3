import { type FakeClock, fakeClock } from '@warren/testing';
import { describe, expect, test } from 'vitest';
import { MemoryBroker } from '../src/memory/index.ts';
import { simulate } from './simulated_work.ts';

const SEEDS = Array.from({ length: 25 }, (_, i) => 1_000 + i);

const FAULTS = {
  cut: 0.004,
  refuse: 0.3,
  loseConfirm: 0.02,
  duplicate: 0.05,
  reorder: 0.05,
  delayMs: [0, 20],
} as const;

describe('a simulation of publishers, consumers and callers on the twin', () => {
  test('is the same for the same seed, event by event, and another one for another seed', async () => {
    const [first, second, other] = [await simulate(1, FAULTS), await simulate(1, FAULTS), await simulate(2, FAULTS)];
    expect(first.events.length).toBeGreaterThan(300);
    expect(second.events).toEqual(first.events);
    expect(second.outcomes).toEqual(first.outcomes);
    expect(other.events).not.toEqual(first.events);
  });

  test('without faults loses nothing, repeats nothing and breaks no connection', async () => {
    const { published, effects, deliveries, reconnects, outcomes } = await simulate(3, {});
    expect(effects).toEqual(new Set(published));
    expect(deliveries).toBe(published.length);
    expect(reconnects).toBe(0);
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['value']));
  });

  test('under faults loses nothing, and every call ends in one way, whatever the seed', {
    timeout: 300_000,
  }, async () => {
    const kinds = new Set<string>();
    let repeated = 0;
    let reconnects = 0;
    for (const seed of SEEDS) {
      const run = await simulate(seed, FAULTS);
      expect([seed, run.effects]).toEqual([seed, new Set(run.published)]);
      expect([seed, run.pendingCalls, run.waiting]).toEqual([seed, 0, 0]);
      for (const { kind } of run.outcomes) kinds.add(kind);
      repeated += run.deliveries - run.published.length;
      reconnects += run.reconnects;
    }
    // A run without these would prove nothing.
    expect([...kinds]).toEqual(expect.arrayContaining(['value', 'timeout', 'link_lost']));
    expect(repeated).toBeGreaterThan(0);
    expect(reconnects).toBeGreaterThan(SEEDS.length);
  });

  test('an hour passes in moments', async () => {
    const clock: FakeClock = fakeClock();
    const broker = new MemoryBroker({ clock });
    const { channel } = await rawChannel(broker);
    await channel.assertQueue('sleepy', { arguments: { 'x-expires': 3_600_000 } });
    await clock.advance(3_599_000);
    await channel.checkQueue('sleepy');
    await clock.advance(3_599_000);
    await channel.checkQueue('sleepy');
    await clock.advance(3_601_000);
    await expect(channel.checkQueue('sleepy')).rejects.toMatchObject({ code: 404 });
    broker.close();
  });
});

async function rawChannel(broker: MemoryBroker) {
  const connection = await broker.connect(broker.url(), { signal: new AbortController().signal });
  connection.on('error', () => undefined);
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  return { connection, channel };
}
