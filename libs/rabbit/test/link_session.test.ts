import { type Clock, systemClock } from '@warren/kernel';
import { heapInUse } from '@warren/testing';
import { beforeEach, expect, test } from 'vitest';
import type { BrokerConnection } from '../src/broker_port.ts';
import { LinkSession } from '../src/link_session.ts';

const HOUR_MS = 3_600_000;
const never = new AbortController().signal;
let session: LinkSession;

beforeEach(() => {
  session = new LinkSession({ model: {} as BrokerConnection, frames: undefined, epoch: 1, kill: () => undefined });
});

test('a pause ends with the connection, and with its signal', async () => {
  const stopping = new AbortController();
  const stopped = session.pause(HOUR_MS, systemClock, stopping.signal);
  stopping.abort();
  await stopped;
  const cut = session.pause(HOUR_MS, systemClock, never);
  session.ended(undefined);
  await cut;
  await session.pause(HOUR_MS, systemClock, never);
});

test('pauses leave nothing behind, however long the connection lives', async () => {
  const clock: Clock = { ...systemClock, sleep: () => Promise.resolve() };
  const used = async (pauses: number): Promise<number> => {
    for (let i = 0; i < pauses; i++) await session.pause(HOUR_MS, clock, never);
    return heapInUse();
  };
  const before = await used(1_000);
  expect((await used(20_000)) - before).toBeLessThan(1024 * 1024);
});

test('what waits for an answer of the broker ends with the connection, and what is asked later at once', async () => {
  const silence = new Promise<void>(() => undefined);
  const waiting = ['queue.declare', 'basic.consume'].map((what) => session.within(silence, what));
  session.ended(undefined);
  const later = session.within(silence, 'queue.bind');
  for (const one of [...waiting, later]) await expect(one).rejects.toMatchObject({ code: 'SERVICE_LINK_LOST' });
});

test('an answer that does not come ends the connection, and the reason names what was asked', async () => {
  const { promise: killed, resolve: kill } = Promise.withResolvers<Error>();
  const own = new LinkSession({ model: {} as BrokerConnection, frames: undefined, epoch: 1, kill });
  own.within(new Promise(() => undefined), 'queue.declare', 20).catch(() => undefined);
  expect((await killed).message).toBe('the broker did not answer queue.declare within 20 ms');
});
