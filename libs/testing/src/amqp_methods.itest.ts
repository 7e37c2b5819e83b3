import amqp from 'amqplib';
import { expect, test } from 'vitest';
import { AMQP_METHOD } from './amqp_frames.ts';
import { ackFrame, deliveryTagOf, qosOf, type Settlement, settlementOf } from './amqp_methods.ts';
import { faultProxy } from './fault_proxy.ts';
import { tempVhost } from './temp_vhost.ts';

test('Frames are read as they were meant, and an ack that nobody owes closes its channel alone', async () => {
  const vhost = await tempVhost();
  const { hostname, port } = new URL(vhost.url);
  const proxy = await faultProxy({ target: { host: hostname, port: Number(port || 5672) } });
  const qos: unknown[] = [];
  const settled: Settlement[] = [];
  const delivered: number[] = [];
  const consumer = { connection: 0, channel: 0 };
  proxy.onFrame('to_server', (frame, connection) => {
    if (frame.method === AMQP_METHOD.basicQos) qos.push(qosOf(frame));
    if (frame.method === AMQP_METHOD.basicConsume) Object.assign(consumer, { connection, channel: frame.channel });
    const settlement = settlementOf(frame);
    if (settlement !== undefined) settled.push(settlement);
    return undefined;
  });
  proxy.onFrame('to_client', (frame) => {
    if (frame.method === AMQP_METHOD.basicDeliver) delivered.push(deliveryTagOf(frame));
    return undefined;
  });
  const first = await amqp.connect(proxy.through(vhost.url));
  first.on('error', () => undefined);
  const connection = await amqp.connect(proxy.through(vhost.url));
  const channel = await connection.createChannel();
  const error = new Promise<Error>((resolve) => channel.once('error', resolve));
  await channel.prefetch(7);
  await channel.prefetch(300, true);
  await channel.assertQueue('q');
  for (const text of ['1', '2', '3', '4']) channel.sendToQueue('q', Buffer.from(text));
  const messages: amqp.ConsumeMessage[] = [];
  await channel.consume('q', (message) => void (message !== null && messages.push(message)));
  await expect.poll(() => messages.length).toBe(4);
  const [one, , three, four] = messages;
  if (one === undefined || three === undefined || four === undefined) throw new Error('unreachable');
  channel.nack(one);
  channel.ack(three, true);
  channel.reject(four);
  await expect.poll(() => settled.length).toBe(3);
  proxy.inject('to_server', ackFrame(consumer.channel, 999), consumer.connection);
  expect((await error).message).toMatch(/406.*unknown delivery tag 999/);
  expect(qos).toEqual([
    { prefetch: 7, global: false },
    { prefetch: 300, global: true },
  ]);
  expect(delivered.slice(0, 4)).toEqual([1, 2, 3, 4]);
  expect(settled).toEqual([
    { deliveryTag: 1, multiple: false },
    { deliveryTag: 3, multiple: true },
    { deliveryTag: 4, multiple: false },
  ]);
  expect(consumer.connection).toBe(2);
  expect(proxy.cut(1)).toBe(1);
  await expect((await connection.createChannel()).checkQueue('q')).resolves.toMatchObject({ queue: 'q' });
  await connection.close();
  await proxy.close();
  await vhost.drop();
});
