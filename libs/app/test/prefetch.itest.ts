import { AMQP_METHOD, qosOf } from '@warren/testing';
import { expect, test } from 'vitest';
import { createServiceApp } from '../src/index.ts';
import { AppKit, proxyBefore } from './app_kit.ts';
import { tinyService } from './fixtures/tiny_service.ts';

const TASKS = 20;

test('every consumer of a service has the prefetch of its kind, and no frame asks for a prefetch of the whole connection', async () => {
  const kit = await AppKit.open();
  const proxy = await proxyBefore(kit.vhost.url);
  const asked: ReturnType<typeof qosOf>[] = [];
  proxy.onFrame('to_server', (frame) => {
    if (frame.method === AMQP_METHOD.basicQos) asked.push(qosOf(frame));
    return undefined;
  });
  const env = kit.env({ RABBITMQ_URL: proxy.through(kit.vhost.url), MAX_CONCURRENT_TASKS: String(TASKS) });
  const service = await createServiceApp(tinyService(), env);
  const consumers = await kit.vhost.consumers();
  const replies = consumers.filter(({ queue }) => queue.startsWith('rpc.'));
  const others = consumers.filter(({ queue }) => !queue.startsWith('rpc.'));
  expect(others.sort((a, b) => a.queue.localeCompare(b.queue))).toEqual([
    { queue: 'coordinator.events.leases', prefetch: TASKS, acks: true },
    { queue: 'coordinator.rpc', prefetch: 2 * TASKS, acks: true },
  ]);
  // replies are never acked, so that there is nothing to limit
  expect(replies).toMatchObject([{ acks: false }]);
  expect(asked.map(({ prefetch }) => prefetch).sort((a, b) => a - b)).toEqual([TASKS, 2 * TASKS]);
  expect(asked.filter(({ global }) => global)).toEqual([]);
  await service.stop();
  await proxy.close();
  await kit.close();
});
