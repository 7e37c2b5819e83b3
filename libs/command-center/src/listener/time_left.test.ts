import type { Delivery } from '@warren/rabbit';
import { expect, test } from 'vitest';
import { CLOCK_TOLERANCE_MS, timeLeftMs } from './time_left.ts';

const NOW = 1_900_000_000_000;

function delivery(deadline: unknown, expiration?: string): Delivery {
  const headers = deadline === undefined ? undefined : { 'warren-deadline': deadline };
  return { properties: { headers, expiration } } as unknown as Delivery;
}

test.each([
  ['the deadline where the clocks agree', NOW + 1_200, '5000', 1_200],
  ['the time to live where the sender’s clock is ahead', NOW + 60_000, '5000', 5_000],
  [
    'the time to live where ours is ahead: the broker would not have delivered what is over',
    NOW - 3_000,
    '5000',
    5_000,
  ],
  [
    'nothing where the deadline is past by more than clocks differ',
    NOW - CLOCK_TOLERANCE_MS - 1,
    '5000',
    -CLOCK_TOLERANCE_MS - 1,
  ],
  ['nothing where the deadline is past and no time to live contradicts it', NOW - 1, undefined, -1],
  ['the time to live without a deadline', undefined, '700', 700],
  ['no limit without both', undefined, undefined, Number.POSITIVE_INFINITY],
  ['the time to live where the deadline is no number', 'soon', '700', 700],
  ['the deadline where the time to live is no number', NOW + 50, '-1', 50],
])('a message has %s', (_what, deadline, expiration, left) => {
  expect(timeLeftMs(delivery(deadline, expiration), NOW)).toBe(left);
});
