import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';
import { systemClock, withTimeout } from './clock.ts';
import { digest, hash32 } from './ids.ts';

test('withTimeout gives the result of work that is quick enough', async () => {
  await expect(withTimeout(Promise.resolve(5), 1_000, () => new Error('late'))).resolves.toBe(5);
});

test('withTimeout rejects with the given error, and the late failure of the work is nobody’s problem', async () => {
  const work = systemClock.sleep(30).then(() => Promise.reject(new Error('too late')));
  await expect(withTimeout(work, 5, () => new Error('late'))).rejects.toThrow('late');
  await systemClock.sleep(50);
});

test('an aborted sleep ends at once and does not reject', async () => {
  const abort = new AbortController();
  const startedAt = performance.now();
  const sleeping = systemClock.sleep(60_000, abort.signal);
  abort.abort();
  await sleeping;
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test('backoff doubles up to its cap and stays between half of it and all of it', () => {
  const options = { baseMs: 100, maxMs: 1_000 };
  const least = { next: () => 0 };
  const most = { next: () => 1 };
  expect([1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(attempt, options, least))).toEqual([
    50, 100, 200, 400, 500, 500,
  ]);
  expect([1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(attempt, options, most))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
});

test('a digest tells where its parts end', () => {
  expect(digest('ab', 'c')).not.toBe(digest('a', 'bc'));
  expect(digest('ab', 'c')).toBe(digest('ab', 'c'));
});

test('hash32 is the same everywhere: FNV-1a', () => {
  expect(hash32('')).toBe(0x811c9dc5);
  expect(hash32('a')).toBe(0xe40c292c);
  expect(hash32('foobar')).toBe(0xbf9cf968);
});
