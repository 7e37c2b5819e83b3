import { expect, test } from 'vitest';
import { LogQuota } from './log_quota.ts';

function quota(lines = 2): { take: (message: string) => number | undefined; pass: (ms: number) => void } {
  let time = 0;
  const made = new LogQuota({ lines, windowMs: 1_000, now: () => time });
  return {
    take: (message) => made.take(message),
    pass: (ms) => {
      time += ms;
    },
  };
}

test('each message has its own quota, and what was withheld is told by the next line', () => {
  const { take, pass } = quota();
  expect([take('a'), take('a'), take('a'), take('a'), take('b')]).toEqual([0, 0, undefined, undefined, 0]);
  pass(1_000);
  expect([take('a'), take('a'), take('a')]).toEqual([2, 0, undefined]);
  pass(5_000);
  expect(take('a')).toBe(1);
});

test('a window begins with its first line, not by the clock', () => {
  const { take, pass } = quota(1);
  pass(900);
  expect(take('a')).toBe(0);
  pass(900);
  expect(take('a')).toBeUndefined();
  pass(100);
  expect(take('a')).toBe(1);
});

test('more messages than are told apart share one quota', () => {
  const { take } = quota(1);
  for (let index = 0; index < 500; index++) expect(take(`message ${index}`)).toBe(0);
  expect(take('one more')).toBe(0);
  expect(take('and another')).toBeUndefined();
  expect(take('message 3')).toBeUndefined();
});
