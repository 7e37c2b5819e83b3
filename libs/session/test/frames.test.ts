import { ServerFrame } from '@warren/contracts';
import { AppError } from '@warren/kernel';
import { expect, test } from 'vitest';
import { readFrame } from '../src/sockets/client_frames.ts';
import { controlFrame, errorFrame, eventFrame, faultFrame, replyFrame } from '../src/sockets/server_frames.ts';
import { TokenBucket } from '../src/sockets/token_bucket.ts';

const read = (value: unknown) => readFrame(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)));

test('Each kind of frame is told apart', () => {
  expect(read({ auth: { ticket: 't'.repeat(43) } })).toEqual({ kind: 'auth', ticket: 't'.repeat(43) });
  expect(read({ ack: 7 })).toEqual({ kind: 'ack', seq: 7 });
  expect(read({ resume: { session: 's', lastSeq: 3 } })).toEqual({ kind: 'resume', session: 's', lastSeq: 3 });
  expect(read({ id: '1', type: 'account.get' })).toEqual({
    kind: 'request',
    request: { id: '1', type: 'account.get', payload: {} },
  });
});

test.each([
  ['no JSON', '{'],
  ['an array', []],
  ['null', 'null'],
  ['nothing known', { hello: 1 }],
  ['two kinds at once', { ack: 1, extra: 2 }],
  ['a negative ack', { ack: -1 }],
  ['a forbidden key', '{"ack":1,"__proto__":{}}'],
  ['a ticket that is no text', { auth: { ticket: 5 } }],
  ['a resume without session', { resume: { lastSeq: 1 } }],
  ['an id that is too long', { id: 'x'.repeat(65), type: 'a' }],
])('A frame with %s is a fault without an id', (_title, frame) => {
  const fault = read(frame);
  expect(fault.kind).toBe('fault');
  expect('id' in fault ? fault.id : undefined).toBeUndefined();
});

test('A request that does not fit is answered under its id', () => {
  const fault = read({ id: '9', type: 'x', deadlineMs: -5 });
  expect(fault).toMatchObject({ kind: 'fault', id: '9' });
});

/** The text of a short server frame: two or four bytes of head. */
const textOf = (frame: Buffer): unknown => JSON.parse(frame.subarray((frame[1] ?? 0) < 126 ? 2 : 4).toString());

test('Every frame of the server fits the protocol', () => {
  const error = new AppError('RATE_LIMITED', 'Wait.', {
    kind: 'rate_limited',
    retryable: true,
    retryAfterSeconds: 2,
    fields: [{ path: 'a', message: 'b' }],
  });
  const frames = [
    controlFrame({ welcome: { session: 's', lastSeq: 0, heartbeatMs: 1 } }),
    controlFrame({ gap: { lastSeq: 1, firstSeq: 5 } }),
    controlFrame({ resumed: { lastSeq: 1, replayed: 0 } }),
    controlFrame({ goodbye: { reconnectAfterMs: 9 } }),
    replyFrame('1', { a: 1 }),
    replyFrame('2', undefined),
    errorFrame('3', error, 'f'.repeat(32)),
    faultFrame(error, 'f'.repeat(32)),
    eventFrame({ seq: 4, type: 'match."found"', payload: '{"a":"é"}', traceparent: '' }),
  ];
  expect(frames.map((frame) => ServerFrame.safeParse(textOf(frame)).success)).toEqual(frames.map(() => true));
  expect(textOf(frames[8] ?? Buffer.alloc(0))).toEqual({ seq: 4, type: 'match."found"', payload: { a: 'é' } });
  expect(textOf(frames[6] ?? Buffer.alloc(0))).toEqual({
    id: '3',
    ok: false,
    error: {
      code: 'RATE_LIMITED',
      message: 'Wait.',
      retryable: true,
      retryAfterSeconds: 2,
      fields: [{ path: 'a', message: 'b' }],
      traceId: 'f'.repeat(32),
    },
  });
});

test('A token bucket allows a burst of twice the rate and then the rate', () => {
  const bucket = new TokenBucket(10, 0);
  const taken = (count: number, at: number) =>
    Array.from({ length: count }, () => bucket.take(at)).filter(Boolean).length;
  expect(taken(30, 0)).toBe(20);
  expect(taken(30, 500)).toBe(5);
  expect(taken(30, 60_000)).toBe(20);
});
