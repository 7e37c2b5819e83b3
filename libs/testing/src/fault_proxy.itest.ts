import amqp from 'amqplib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AMQP_METHOD } from './amqp_frames.ts';
import { type FaultProxy, faultProxy } from './fault_proxy.ts';
import { type TempVhost, tempVhost } from './temp_vhost.ts';

let vhost: TempVhost;
let proxy: FaultProxy;

beforeAll(async () => {
  vhost = await tempVhost();
  const { hostname, port } = new URL(vhost.url);
  proxy = await faultProxy({ target: { host: hostname, port: Number(port || 5672) } });
});

afterAll(async () => {
  await proxy.close();
  await vhost.drop();
});

async function count(queue: string): Promise<number> {
  const connection = await amqp.connect(vhost.url);
  const channel = await connection.createChannel();
  const { messageCount } = await channel.checkQueue(queue);
  await connection.close();
  return messageCount;
}

async function publishThroughProxy(queue: string, messages: number): Promise<number> {
  const connection = await amqp.connect(proxy.through(vhost.url));
  connection.on('error', () => undefined);
  const channel = await connection.createConfirmChannel();
  channel.on('error', () => undefined);
  await channel.assertQueue(queue);
  let confirmed = 0;
  for (let index = 0; index < messages; index += 1) {
    const sent = new Promise<boolean>((resolve) => {
      connection.once('close', () => resolve(false));
      channel.sendToQueue(queue, Buffer.from(String(index)), {}, (error) => resolve(error === null));
    });
    if (!(await sent)) return confirmed;
    confirmed += 1;
  }
  await connection.close();
  return confirmed;
}

test('A connection cut before the third publish leaves two messages, both confirmed', async () => {
  proxy.cutAtMethod('to_server', { method: AMQP_METHOD.basicPublish, count: 3, when: 'before' });
  expect(await publishThroughProxy('before', 5)).toBe(2);
  expect(await count('before')).toBe(2);
});

test('A connection cut before the second confirm leaves a message that the publisher does not know of', async () => {
  proxy.onFrame('to_server', undefined);
  proxy.cutAtMethod('to_client', { method: AMQP_METHOD.basicAck, count: 2, when: 'before' });
  expect(await publishThroughProxy('lost_confirm', 5)).toBe(1);
  expect(await count('lost_confirm')).toBe(2);
  proxy.onFrame('to_client', undefined);
  expect(await publishThroughProxy('healthy', 3)).toBe(3);
});
