import { defineContract } from '@warren/contracts';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { OutboxWriter } from './outbox_writer.ts';

const GRANT = defineContract({
  name: 'allocator.grant_item',
  summary: 'Gives an item.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['command'],
  dto: z.object({}),
  reply: z.object({}),
  errors: {},
  idempotency: 'inbox',
});

test.each(['', 'x'.repeat(201), 'größer', 'two words', 'line\n'])(
  'a message id that no listener takes is refused: %j',
  (id) => {
    const outbox = new OutboxWriter();
    expect(() => outbox.send(GRANT, {}, id)).toThrow(RangeError);
    expect(outbox.size).toBe(0);
  },
);

test('a message id of 200 visible characters is taken', () => {
  const outbox = new OutboxWriter();
  outbox.send(GRANT, {}, 'x'.repeat(200));
  expect(outbox.size).toBe(1);
});
