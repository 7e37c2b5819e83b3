import { silentLogger, systemClock } from '@warren/kernel';
import { expect, test } from 'vitest';
import { Health } from './health.ts';
import { Lifecycle } from './lifecycle.ts';

const make = (signal?: AbortSignal): Lifecycle =>
  new Lifecycle({
    logger: silentLogger(),
    clock: systemClock,
    health: new Health(),
    ...(signal === undefined ? {} : { signal }),
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('everything is undone last step first, once, whoever asks', async () => {
  const lifecycle = make();
  const undone: string[] = [];
  for (const name of ['one', 'two', 'three']) lifecycle.onClose(name, async () => undone.push(name));
  expect(await Promise.all([lifecycle.close(1_000), lifecycle.close(1_000)])).toEqual([true, true]);
  expect(undone).toEqual(['three', 'two', 'one']);
});

test('an undo that fails, throws at once or hangs does not keep the others, and the end is not clean', async () => {
  const lifecycle = make();
  const undone: string[] = [];
  lifecycle.onClose('first', async () => undone.push('first'));
  lifecycle.onClose('rejects', () => Promise.reject(new Error('no')));
  lifecycle.onClose('throws', () => {
    throw new Error('no');
  });
  lifecycle.onDrain('hangs', () => new Promise(() => undefined));
  const startedAt = performance.now();
  expect(await lifecycle.close(700)).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  expect(undone).toEqual(['first']);
});

test('a drain is told how much of the grace is left', async () => {
  const lifecycle = make();
  const left: number[] = [];
  lifecycle.onDrain('later', async (budget) => left.push(budget.remainingMs(300)));
  lifecycle.onDrain('first', async (budget) => {
    left.push(budget.remainingMs(300));
    await pause(200);
  });
  await lifecycle.close(1_000);
  expect(left[0]).toBeGreaterThan(600);
  expect(left[1]).toBeLessThan(520);
});

test('a start that is given up ends at once at the step under way, and no further step begins', async () => {
  const controller = new AbortController();
  const lifecycle = make(controller.signal);
  const step = lifecycle.step('slow', () => pause(5_000));
  controller.abort();
  await expect(step).rejects.toMatchObject({ code: 'START_CANCELLED' });
  let begun = false;
  await expect(lifecycle.step('next', () => void (begun = true))).rejects.toMatchObject({ code: 'START_CANCELLED' });
  expect(begun).toBe(false);
});

test('a step that fails throws what it threw', async () => {
  await expect(make().step('bad', () => Promise.reject(new Error('because')))).rejects.toThrow('because');
  await expect(
    make().step('bad', () => {
      throw new Error('at once');
    }),
  ).rejects.toThrow('at once');
});
