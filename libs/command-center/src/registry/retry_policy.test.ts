import { expect, test } from 'vitest';
import { DEFAULT_RETRY, type RetryOptions, retryPolicy, waitAfter } from './retry_policy.ts';

const waits = (options: RetryOptions): (string | undefined)[] => {
  const policy = retryPolicy('x', options);
  return Array.from({ length: policy.maxAttempts }, (_, index) => waitAfter(policy, index + 1)?.name);
};

test('unless told, five waits follow each other and the sixth run is the last', () => {
  expect(waits({})).toEqual(['1s', '5s', '30s', '2m', '10m', undefined]);
  expect(DEFAULT_RETRY).toEqual(retryPolicy('x', {}));
});

test.each<[RetryOptions, (string | undefined)[]]>([
  [{ maxAttempts: 1 }, [undefined]],
  [{ maxAttempts: 3 }, ['1s', '5s', undefined]],
  [{ tiers: ['5s'] }, ['5s', undefined]],
  [{ tiers: ['1s', '30s'], maxAttempts: 5 }, ['1s', '30s', '30s', '30s', undefined]],
])('%o waits %o', (options, expected) => {
  expect(waits(options)).toEqual(expected);
});

test('a run beyond the last one, which an earlier release may have allowed, is not tried again', () => {
  expect(waitAfter(retryPolicy('x', { maxAttempts: 2 }), 7)).toBeUndefined();
});

test.each<[RetryOptions, RegExp]>([
  [{ maxAttempts: 0 }, /auth\.x: maxAttempts must be 1 to 20/],
  [{ maxAttempts: 21 }, /maxAttempts/],
  [{ maxAttempts: 2.5 }, /maxAttempts/],
  [{ tiers: [] }, /one tier at least/],
  [{ tiers: ['5s', '1s'] }, /the shortest first/],
  [{ tiers: ['1s', '1s'] }, /once each/],
])('%o is refused with a sentence', (options, sentence) => {
  expect(() => retryPolicy('auth.x', options)).toThrow(sentence);
});
