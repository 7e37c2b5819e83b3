import { type TempVhost, tempVhost } from '@warren/testing';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { socketOf } from '../src/amqp_socket.ts';
import { channelInternals } from '../src/frames/amqp_internals.ts';
import { FRAME_BODY, FRAME_HEADER, PROPERTY } from '../src/frames/frame_constants.ts';
import { defs } from './amqplib_codec.ts';
import { Kit, until, WORK_QUEUE } from './kit.ts';
import { arrays, contentHeader, field, frame, table, tables } from './raw_frames.ts';

let vhost: TempVhost;
let kit: Kit;

beforeAll(async () => {
  vhost = await tempVhost();
  kit = await Kit.open(vhost.url);
});

afterAll(async () => {
  await kit.close();
  await vhost.drop();
});

/** Publishes a message with these headers as no library would write them. */
async function publishRaw(queue: string, headers: Buffer, body: Buffer): Promise<void> {
  const model = await connect(vhost.url);
  const channel = await model.createChannel();
  expect(channelInternals(channel)?.ch).toBe(1);
  const method = { ticket: 0, exchange: '', routingKey: queue, mandatory: false, immediate: false };
  const frames = [
    defs.encodeMethod(defs.BasicPublish, 1, method),
    frame(FRAME_HEADER, contentHeader(PROPERTY.headers, body.length, headers)),
    frame(FRAME_BODY, body),
  ];
  socketOf(model.connection)?.write(Buffer.concat(frames));
  await channel.close();
  await model.close();
}

// RabbitMQ passes on whatever depth it gets, and the stack of who follows it is full after some thousand levels
it.each([
  ['tables', tables, 10],
  ['tables', tables, 70_000],
  ['arrays', arrays, 10],
])('20,000 %s inside of each other do not end the connection that they come by (%#)', async (_what, nest, bytes) => {
  const link = await kit.link('consume');
  const seen: unknown[] = [];
  const consumer = await kit.consumer(link, WORK_QUEUE, (delivery) => {
    seen.push([delivery.body.length, delivery.properties.headers?.['known']]);
    delivery.ack();
  });
  await publishRaw(WORK_QUEUE.name, table([field('known', 't', [1]), nest(20_000)]), Buffer.alloc(bytes, 0x20));
  await publishRaw(WORK_QUEUE.name, table([field('known', 't', [0])]), Buffer.from('x'));
  await until(() => seen.length === 2);
  expect(seen).toEqual([
    [bytes, true],
    [1, false],
  ]);
  expect(link.state.epoch).toBe(1);
  await consumer.close();
});
