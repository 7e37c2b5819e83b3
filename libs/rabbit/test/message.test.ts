import { AppError } from '@warren/kernel';
import { fakeClock } from '@warren/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines, type Expiring } from '../src/deadlines.ts';
import type { Delivery } from '../src/delivery.ts';
import { deadLetterOf } from '../src/message_copy.ts';
import { checkMessage, type OutgoingMessage } from '../src/outgoing_message.ts';
import { decodeError, encodeError } from '../src/rpc_wire.ts';

const sound: OutgoingMessage = {
  exchange: 'e',
  key: 'k',
  body: Buffer.from('{}'),
  messageId: 'm',
  type: 't@1',
  persistent: true,
};

describe('the limits of a message', () => {
  it('let pass exactly the strings that fit into 255 bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('key', 'messageId', 'type', 'correlationId', 'replyTo'),
        fc.string({ maxLength: 300, unit: 'grapheme' }),
        (field, value) => {
          const check = (): void => checkMessage({ ...sound, [field]: value });
          if (Buffer.byteLength(value) <= 255) expect(check).not.toThrow();
          else expect(check).toThrow(AppError);
        },
      ),
    );
  });

  it('let pass exactly the expirations that the broker understands', () => {
    fc.assert(
      fc.property(fc.double(), (expirationMs) => {
        const check = (): void => checkMessage({ ...sound, expirationMs });
        if (Number.isInteger(expirationMs) && expirationMs >= 0 && expirationMs <= 0xffff_ffff)
          expect(check).not.toThrow();
        else expect(check).toThrow(AppError);
      }),
    );
  });
});

describe('a dead letter', () => {
  it('can be published, whatever its sender has written into headers and properties', () => {
    const widest = (bytes: number): string => '\u20ac'.repeat(Math.floor(bytes / 3));
    const kept = ['traceparent', 'warren-key', 'warren-actor', 'warren-session', 'warren-roles'];
    fc.assert(
      fc.property(fc.constantFrom(1_000, 1_024, 1_025, 3_072, 60_000), (bytes) => {
        const properties = {
          messageId: widest(255),
          correlationId: widest(255),
          type: widest(255),
          userId: widest(255),
          timestamp: Number.MAX_SAFE_INTEGER,
          headers: { ...Object.fromEntries(kept.map((name) => [name, widest(bytes)])), 'warren-sent-at': 2 ** 52 },
        };
        const delivery = { key: widest(255), properties, body: Buffer.alloc(300_000) } as unknown as Delivery;
        const letter = deadLetterOf(delivery, {
          prefix: 'allocator',
          queue: widest(255),
          origin: widest(60_000),
          attempt: 1,
          reason: 'permanent',
          code: 'ALLOCATION_FAILED',
          message: widest(60_000),
        });
        expect(() => checkMessage(letter)).not.toThrow();
      }),
    );
  });
});

describe('an error on the wire', () => {
  it('keeps code, kind, message, retryable, fields and advice, and no cause', () => {
    const error = new AppError('A_CODE', 'Words.', {
      kind: 'conflict',
      retryable: true,
      fields: [{ path: 'a.b', message: 'is wrong' }],
      retryAfterSeconds: 2,
      cause: new Error('secret'),
    });
    const body = encodeError(error);
    expect(body.toString()).not.toContain('secret');
    const decoded = decodeError(body);
    expect(decoded).toMatchObject({
      code: 'A_CODE',
      kind: 'conflict',
      message: 'Words.',
      retryable: true,
      fields: [{ path: 'a.b', message: 'is wrong' }],
      retryAfterSeconds: 2,
    });
  });

  it('becomes SERVICE_INTERNAL when it is no error body, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(decodeError(Buffer.from(text)).code).toBe('SERVICE_INTERNAL');
      }),
    );
    expect(decodeError(Buffer.from('{"code":"x","kind":"conflict","message":"m"}')).code).toBe('SERVICE_INTERNAL');
    expect(decodeError(Buffer.from('{"code":"A_CODE","kind":"toString","message":"m"}')).code).toBe('SERVICE_INTERNAL');
  });
});

describe('deadlines', () => {
  it('expire every entry within 50 ms of its time, in whatever order they came, and stop their timer', async () => {
    const clock = fakeClock();
    const entries = new Set<Expiring>();
    const expired: number[] = [];
    const deadlines = new Deadlines(() => entries, clock);
    const begin = clock.monotonicMs();
    for (const ms of [300, 100, 200, 1_000, 120]) {
      const entry: Expiring = {
        deadline: begin + ms,
        expire: () => {
          entries.delete(entry);
          expired.push(ms);
          expect(clock.monotonicMs() - begin - ms).toBeGreaterThanOrEqual(0);
          expect(clock.monotonicMs() - begin - ms).toBeLessThanOrEqual(50);
        },
      };
      entries.add(entry);
      deadlines.watch(entry.deadline);
    }
    await clock.advance(2_000);
    expect(expired).toEqual([100, 120, 200, 300, 1_000]);
    expect(clock.sleepers).toBe(0);
  });
});
