import { bySize, type FaultProxy, type TempVhost, tempVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kit, proxyBefore, until, watchUncaught, wholeStart } from './kit.ts';

const OFFSETS_MS = Array.from({ length: 41 }, (_, step) => step * 5);
const ROUNDS = bySize({ short: 1, full: 100 });
const AT_A_TIME = 4;
const UP_AGAIN_MS = 3_000;
const uncaught = watchUncaught();

let vhost: TempVhost;

beforeAll(async () => {
  vhost = await tempVhost();
  await (await Kit.open(vhost.url)).close();
});

afterAll(async () => {
  uncaught.stop();
  await vhost.drop();
});

/** Resolves to the milliseconds from the reset until everything on the link works again. */
async function resetAfter(offsetMs: number, proxy: FaultProxy): Promise<number> {
  const before = proxy.counters.accepted;
  const starting = wholeStart(proxy.through(vhost.url));
  while (proxy.counters.accepted === before) await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, offsetMs));
  expect(proxy.cut()).toBeGreaterThan(0);
  const cutAt = performance.now();
  const { own, link, client, consumer, publisher } = await starting;
  await until(() => link.state.up && proxy.counters.accepted > before + 1);
  await until(() => client.ready && consumer.consuming);
  const outcome = await publisher.publish({
    exchange: 'warren.rpc',
    key: 'auth.echo',
    body: Buffer.from('{}'),
    messageId: 'm',
    type: 'auth.echo@1',
    persistent: false,
  });
  const took = performance.now() - cutAt;
  expect(outcome).toBe('confirmed');
  await own.close();
  return took;
}

test('a link that is reset 0 to 200 ms after it connected, in steps of 5 ms, is up again within 3 s and throws nothing', {
  timeout: ROUNDS * 60_000,
}, async () => {
  const offsets = Array.from({ length: ROUNDS }, () => OFFSETS_MS).flat();
  const slow: string[] = [];
  const worker = async (): Promise<void> => {
    const proxy = await proxyBefore(vhost.url);
    for (let offset = offsets.pop(); offset !== undefined; offset = offsets.pop()) {
      const took = await resetAfter(offset, proxy);
      if (took > UP_AGAIN_MS) slow.push(`reset after ${offset} ms: up again after ${Math.round(took)} ms`);
    }
    await proxy.close();
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  expect(slow).toEqual([]);
  expect(uncaught.seen).toEqual([]);
});
