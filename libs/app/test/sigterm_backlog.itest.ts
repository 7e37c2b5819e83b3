import { AMQP_METHOD } from '@warren/testing';
import { expect, test } from 'vitest';
import { AppKit, proxyBefore, publishEvents, until } from './app_kit.ts';

const QUEUE = 'coordinator.events.leases';
const TASKS = 20;
const BACKLOG = 500;
const HANDLER_MS = 2_000;
const GRACE_MS = 10_000;
/** From the delivery to the line that the handler writes first. */
const LINE_DELAY_MS = 1_000;

test('SIGTERM with 20 messages under work and 500 waiting: the 20 are finished and acked, none begins, the rest stays', async () => {
  const kit = await AppKit.open();
  const proxy = await proxyBefore(kit.vhost.url);
  const env = {
    RABBITMQ_URL: proxy.through(kit.vhost.url),
    MAX_CONCURRENT_TASKS: String(TASKS),
    DATABASE_POOL_MAX: String(TASKS + 10),
    SHUTDOWN_GRACE_MS: String(GRACE_MS),
  };
  const child = kit.spawn(env, ['events', String(HANDLER_MS)]);
  await child.says('ready');
  let canceledAt = 0;
  proxy.onFrame('to_client', ({ method }) => {
    if (method === AMQP_METHOD.basicCancelOk) canceledAt = Date.now();
    return undefined;
  });
  await publishEvents(kit.vhost.url, TASKS + BACKLOG);
  await until(() => child.lines('event begun').length >= TASKS);
  const signalledAt = performance.now();
  child.kill('SIGTERM');
  expect(await child.exit).toBe(0);
  expect(performance.now() - signalledAt).toBeLessThan(GRACE_MS);
  const begun = child.lines('event begun');
  expect(begun.length).toBeLessThan(TASKS * 2);
  expect(child.lines('event done')).toHaveLength(begun.length);
  expect(canceledAt).toBeGreaterThan(0);
  expect(begun.filter(({ time }) => Date.parse(String(time)) > canceledAt + LINE_DELAY_MS)).toEqual([]);
  const left = async (): Promise<unknown> => (await kit.vhost.queues()).find(({ name }) => name === QUEUE)?.messages;
  // the broker counts the messages of a quorum queue every five seconds
  await expect.poll(left, { timeout: 20_000, interval: 1_000 }).toBe(TASKS + BACKLOG - begun.length);
  await proxy.close();
  await kit.close();
});
