import { tempVhost } from '@warren/testing';
import { connect } from 'amqplib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { channelInternals, connectionInternals } from '../src/frames/amqp_internals.ts';
import { FastFrames } from '../src/frames/fast_frames.ts';

let url: string;
let drop: () => Promise<void>;

beforeEach(async () => {
  const vhost = await tempVhost();
  url = vhost.url;
  drop = () => vhost.drop();
});

afterEach(() => drop());

it('finds in the pinned amqplib all that the short way needs', async () => {
  const model = await connect(url);
  const channel = await model.createConfirmChannel();
  expect(connectionInternals(model.connection)).toBeDefined();
  expect(channelInternals(channel)).toBeDefined();
  await model.close();
});

it('carries bodies of every size both ways, in order, mixed with messages that take amqplib’s way', async () => {
  const model = await connect(url);
  const frames = FastFrames.attach(model);
  const channel = await model.createConfirmChannel();
  frames?.speedUp(channel);
  const { queue } = await channel.assertQueue('', { exclusive: true });
  const received: string[] = [];
  await channel.consume(queue, (message) => {
    if (message === null) return;
    received.push(`${message.properties.messageId} ${message.content.length}`);
    channel.ack(message);
  });
  const sizes = [0, 1, 8_191, 8_192, 8_193, 65_535, 65_536, 65_537, 131_064, 131_065, 300_000, 3];
  const outcomes: unknown[] = [];
  const publish = (name: string, size: number, options: object): void => {
    const done = (error: unknown): unknown => outcomes.push(error);
    channel.publish('', queue, Buffer.alloc(size, 1), { messageId: name, ...options }, done);
  };
  for (const size of sizes) publish('short', size, {});
  publish('long', 10, { headers: { nested: { a: 1 } } });
  for (const size of sizes) publish('after', size, {});
  await channel.waitForConfirms();
  await expect.poll(() => received.length, { timeout: 10_000 }).toBe(2 * sizes.length + 1);
  expect(received).toEqual([
    ...sizes.map((size) => `short ${size}`),
    'long 10',
    ...sizes.map((size) => `after ${size}`),
  ]);
  expect(outcomes).toEqual(Array.from({ length: 2 * sizes.length + 1 }, () => null));
  await model.close();
});

it('throws on a closed channel, as amqplib does, and leaves the connection alone', async () => {
  const model = await connect(url);
  const frames = FastFrames.attach(model);
  const channel = await model.createChannel();
  frames?.speedUp(channel);
  await channel.close();
  expect(() => channel.publish('', 'x', Buffer.from('x'))).toThrow(/Channel closed/);
  const other = await model.createChannel();
  await other.assertQueue('', { exclusive: true });
  await model.close();
});
