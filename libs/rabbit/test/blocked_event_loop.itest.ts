import { tempVhost } from '@warren/testing';
import { connect } from 'amqplib';
import { expect, test } from 'vitest';
import type { Delivery } from '../src/index.ts';
import { Kit, quorumQueue, until, watchUncaught } from './kit.ts';

const HEARTBEAT_SECONDS = 1;
/** The broker gives a silent peer up after two heartbeats, and looks once in a heartbeat. */
const BLOCKED_MS = 5_000;
const MESSAGES = 30;
const QUEUE = quorumQueue('work');

test('a handler that blocks the event loop for longer than the heartbeat costs the connection, and no message', async () => {
  const uncaught = watchUncaught();
  const vhost = await tempVhost();
  const kit = await Kit.open(vhost.url);
  kit.defer(() => vhost.drop());
  const link = await kit.link('consume', vhost.url, HEARTBEAT_SECONDS);
  const done = new Set<string>();
  let blocked = false;
  const handle = (delivery: Delivery): void => {
    const id = delivery.body.toString();
    if (!blocked && id === '10') {
      blocked = true;
      const end = performance.now() + BLOCKED_MS;
      while (performance.now() < end);
    }
    done.add(id);
    delivery.ack();
  };
  const consumer = await kit.consumer(link, QUEUE, handle);
  const raw = await connect(vhost.url);
  kit.defer(() => raw.close());
  const channel = await raw.createChannel();
  for (let i = 0; i < MESSAGES; i++) channel.sendToQueue('work', Buffer.from(String(i)));
  await until(() => blocked && link.state.epoch === 2 && consumer.consuming, 20_000);
  await until(async () => done.size === MESSAGES && (await channel.checkQueue('work')).messageCount === 0, 20_000);
  const lag = /^nodejs_eventloop_lag_max_seconds\{[^}]*\} ([\d.]+)$/m.exec(await kit.metrics.render());
  expect(Number(lag?.[1])).toBeGreaterThan((BLOCKED_MS / 1_000) * 0.8);
  await consumer.close();
  expect((await channel.checkQueue('work')).messageCount).toBe(0);
  expect(uncaught.seen).toEqual([]);
  uncaught.stop();
  await kit.close();
});
