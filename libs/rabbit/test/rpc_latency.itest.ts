import { Socket } from 'node:net';
import { bySize, tempVhost } from '@warren/testing';
import { expect, test, vi } from 'vitest';
import { ECHO, Kit, until, WORK_QUEUE } from './kit.ts';

/** With Nagle's algorithm an RPC takes 41 ms. A busy machine may take some milliseconds where a quiet one takes half. */
const MEDIAN_MS = bySize({ short: 12, full: 3 });
const BATCHES = 10;
const CALLS = 60;

test('every connection to the broker sends small packets at once', async () => {
  const vhost = await tempVhost();
  const kit = await Kit.open(vhost.url);
  kit.defer(() => vhost.drop());
  const spy = vi.spyOn(Socket.prototype, 'setNoDelay');
  await Promise.all([kit.link('publish'), kit.link('consume')]);
  const sockets: unknown[] = spy.mock.contexts.filter((_socket, index) => spy.mock.calls[index]?.[0] !== false);
  const prompt = new Set(sockets.filter((socket) => socket instanceof Socket));
  spy.mockRestore();
  expect([...prompt].filter(({ remotePort }) => remotePort === Number(new URL(vhost.url).port))).toHaveLength(2);
  await kit.close();
});

test('the median of RPC calls made one after the other is far below the 40 ms of a delayed packet', async () => {
  const vhost = await tempVhost();
  const kit = await Kit.open(vhost.url);
  kit.defer(() => vhost.drop());
  const [publishLink, replyLink] = await Promise.all([kit.link('publish'), kit.link('publish')]);
  const replier = kit.replier(replyLink);
  await kit.consumer(await kit.link('consume'), WORK_QUEUE, (delivery) => {
    replier.reply(delivery, { ok: true, value: JSON.parse(delivery.body.toString()) });
    delivery.ack();
  });
  const client = await kit.client(publishLink);
  await until(() => replier.ready);
  const medians: number[] = [];
  for (let batch = 0; batch < BATCHES; batch++) {
    const times: number[] = [];
    for (let i = 0; i < CALLS; i++) {
      const begin = performance.now();
      await client.call(ECHO, { text: 'x' });
      times.push(performance.now() - begin);
    }
    medians.push(times.sort((a, b) => a - b)[CALLS / 2] ?? Number.NaN);
  }
  // the best of several batches: others may use the machine
  expect(Math.min(...medians)).toBeLessThan(MEDIAN_MS);
  await kit.close();
});
