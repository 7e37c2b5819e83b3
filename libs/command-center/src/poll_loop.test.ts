import { silentLogger } from '@warren/kernel';
import { type FakeClock, fakeClock } from '@warren/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Pause, PollLoop } from './poll_loop.ts';

const POLL_MS = 250;
const LONGEST: { next: () => number } = { next: () => 1 };

let clock: FakeClock;
let rounds: number;

beforeEach(() => {
  clock = fakeClock();
  rounds = 0;
});

function loopOf(round: () => Promise<Pause | void> = () => Promise.resolve()): PollLoop {
  return new PollLoop({ name: 'test', pollMs: POLL_MS, clock, rng: LONGEST, logger: silentLogger() }, () => {
    rounds++;
    return round();
  });
}

describe('PollLoop', () => {
  test('runs a round at once, then one per pause', async () => {
    const loop = loopOf();
    loop.start();
    await clock.advance(0);
    expect(rounds).toBe(1);
    await clock.advance(POLL_MS - 1);
    expect(rounds).toBe(1);
    await clock.advance(1);
    expect(rounds).toBe(2);
    await loop.stop();
  });

  test('a wake ends the pause; one that comes during a round is not lost', async () => {
    const loop = loopOf(() => {
      if (rounds === 2) loop.wake();
      return Promise.resolve();
    });
    loop.start();
    await clock.advance(0);
    loop.wake();
    await clock.advance(0);
    expect(rounds).toBe(3);
    await loop.stop();
  });

  test('after a failure it waits longer and longer, whoever wakes it', async () => {
    const loop = loopOf(() => Promise.reject(new Error('the store is down')));
    loop.start();
    await clock.advance(0);
    loop.wake();
    await clock.advance(249);
    expect(rounds).toBe(1);
    await clock.advance(1);
    expect(rounds).toBe(2);
    await clock.advance(499);
    expect(rounds).toBe(2);
    await clock.advance(1);
    expect(rounds).toBe(3);
    await loop.stop();
  });

  test('stopping lets the round under way end and starts no other', async () => {
    let finish: () => void = () => undefined;
    const loop = loopOf(() => new Promise((resolve) => (finish = resolve)));
    loop.start();
    await clock.advance(0);
    const stopped = loop.stop();
    expect(loop.stopping.aborted).toBe(true);
    finish();
    await stopped;
    await clock.advance(10 * POLL_MS);
    expect(rounds).toBe(1);
  });

  test('a round may ask for its own pause, and for one that no wake ends', async () => {
    const pauses: Pause[] = [
      { ms: 0, wakeable: true },
      { ms: 1_000, wakeable: false },
    ];
    const loop = loopOf(() => Promise.resolve(pauses[rounds - 1]));
    loop.start();
    await clock.advance(0);
    expect(rounds).toBe(2);
    loop.wake();
    await clock.advance(999);
    expect(rounds).toBe(2);
    await clock.advance(1);
    expect(rounds).toBe(3);
    await loop.stop();
  });

  test('stopping ends also a pause that no wake ends', async () => {
    const loop = loopOf(() => Promise.resolve({ ms: 60_000, wakeable: false }));
    loop.start();
    await clock.advance(0);
    await loop.stop();
    expect(rounds).toBe(1);
  });
});
