import { afterEach, expect, test } from 'vitest';
import { FRAME_BODY, FRAME_HEADER, FRAME_METHOD } from '../src/frames/frame_constants.ts';
import { type Delivered, defs, encodeDelivery } from './amqplib_codec.ts';
import { Kit, until, WORK_QUEUE, watchUncaught } from './kit.ts';
import { contentHeader, frame } from './raw_frames.ts';
import { CONSUMER_TAG, type ScriptedBroker, scriptedBroker } from './scripted_broker.ts';

const DELIVERED: Delivered = {
  consumerTag: CONSUMER_TAG,
  deliveryTag: 1,
  redelivered: false,
  exchange: 'e',
  routingKey: 'k',
};
const UNKNOWN_TYPE = 9;
const FRAME_MAX = 131_072;

let broker: ScriptedBroker | undefined;
let kit: Kit | undefined;
const uncaught = watchUncaught();

afterEach(async () => {
  await kit?.close();
  await broker?.close();
  expect(uncaught.seen).toEqual([]);
});

const deliver = defs.encodeMethod(defs.BasicDeliver, 1, DELIVERED);
const whole = encodeDelivery(1, DELIVERED, {}, Buffer.from('x'));

test.each([
  ['bytes of another protocol', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')]],
  ['a frame larger than agreed', [frame(FRAME_METHOD, Buffer.alloc(10), FRAME_MAX + 1)]],
  ['a content header larger than agreed', [deliver, frame(FRAME_HEADER, contentHeader(0), FRAME_MAX + 1)]],
  ['a frame of a type that nobody knows', [frame(UNKNOWN_TYPE, Buffer.alloc(3))]],
  ['a method that nobody knows', [frame(FRAME_METHOD, Buffer.from([0, 99, 0, 99]))]],
  ['a method frame without a method', [frame(FRAME_METHOD, Buffer.from([0]))]],
  ['a method that ends within its fields', [frame(FRAME_METHOD, Buffer.from([0, 60, 0, 60, 255, 1])), whole]],
  ['a frame without its end', [Buffer.concat([whole.subarray(0, -1), Buffer.from([0]), whole])]],
  ['a delivery on a channel that is not open', [encodeDelivery(7, DELIVERED, {}, Buffer.from('x'))]],
  ['properties that are not there', [deliver, frame(FRAME_HEADER, contentHeader(0xfffc))]],
  [
    'an answer that nobody asked for',
    [defs.encodeMethod(defs.QueueDeclareOk, 1, { queue: 'q', messageCount: 0, consumerCount: 0 })],
  ],
])('%s cost the connection, and the next one consumes', async (_what, attack) => {
  broker = await scriptedBroker((socket, connection) => {
    if (connection === 1) for (const bytes of attack) socket.write(bytes);
  });
  kit = new Kit(broker.url);
  const link = await kit.link('consume');
  const consumer = await kit.consumer(link, WORK_QUEUE, () => undefined);
  await until(() => link.state.epoch === 2 && consumer.consuming);
});

test.each([
  ['a body without a delivery', [frame(FRAME_BODY, Buffer.from('x'))]],
  ['a delivery without a header', [deliver, frame(FRAME_BODY, Buffer.from('x'))]],
  ['a header without a delivery', [frame(FRAME_HEADER, contentHeader(0))]],
  [
    'a body longer than its header says',
    [deliver, frame(FRAME_HEADER, contentHeader(0, 1)), frame(FRAME_BODY, Buffer.from('xyz'))],
  ],
])('%s costs the channel, and the next one consumes', async (_what, attack) => {
  let consumers = 0;
  broker = await scriptedBroker((socket) => {
    if (++consumers === 1) for (const bytes of attack) socket.write(bytes);
  });
  kit = new Kit(broker.url);
  const link = await kit.link('consume');
  const consumer = await kit.consumer(link, WORK_QUEUE, () => undefined);
  await until(() => consumers === 2 && consumer.consuming);
  expect(link.state).toMatchObject({ up: true, epoch: 1 });
});

test('a connection that ends within a frame brings nothing of it', async () => {
  const seen: unknown[] = [];
  broker = await scriptedBroker((socket, connection) => {
    socket.write(whole);
    if (connection === 1) socket.end(whole.subarray(0, -5));
  });
  kit = new Kit(broker.url);
  const link = await kit.link('consume');
  await kit.consumer(link, WORK_QUEUE, ({ body }) => seen.push(`${link.state.epoch} ${body.toString()}`));
  await until(() => seen.length === 2);
  expect(seen).toEqual(['1 x', '2 x']);
});
