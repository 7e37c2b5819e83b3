import { expect, test } from 'vitest';
import { AMQP_METHOD, AmqpFrameSplitter } from './amqp_frames.ts';

function frame(type: number, channel: number, payload: number[]): Buffer {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, Buffer.from(payload), Buffer.from([0xce])]);
}

const stream = Buffer.concat([
  Buffer.from('AMQP\0\0\x09\x01'),
  frame(1, 3, [0, 60, 0, 40, 9, 9]),
  frame(2, 3, [0, 60]),
  frame(3, 3, [0xce, 0x41, 0xce]),
  frame(8, 0, []),
]);

test('Frames are found however the bytes arrive', () => {
  for (const size of [1, 2, 5, 7, stream.length]) {
    const splitter = new AmqpFrameSplitter();
    const frames = [];
    for (let at = 0; at < stream.length; at += size) frames.push(...splitter.push(stream.subarray(at, at + size)));
    expect(frames.map((one) => one.kind)).toEqual(['protocol_header', 'method', 'header', 'body', 'heartbeat']);
    expect(frames.map((one) => one.method)).toEqual([
      undefined,
      AMQP_METHOD.basicPublish,
      undefined,
      undefined,
      undefined,
    ]);
    expect(frames[1]?.channel).toBe(3);
    expect(Buffer.concat(frames.map((one) => one.bytes)).equals(stream)).toBe(true);
  }
});

test('The beginning of a frame can be taken back', () => {
  const splitter = new AmqpFrameSplitter();
  splitter.push(stream.subarray(0, 12));
  expect(splitter.takeRest()).toEqual(stream.subarray(8, 12));
  expect(splitter.takeRest()).toHaveLength(0);
});

test('A stream that is not AMQP is refused', () => {
  expect(() => new AmqpFrameSplitter().push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(/not AMQP/);
  const broken = frame(8, 0, []);
  broken[7] = 0;
  expect(() => new AmqpFrameSplitter().push(broken)).toThrow(/not AMQP/);
});
