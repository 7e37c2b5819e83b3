import { expect, test } from 'vitest';
import { ZombieWatch } from './zombie_watch.ts';

test('a quarter of the slots is borne; more for a minute is told once', () => {
  let told = 0;
  const watch = new ZombieWatch(8, () => told++);
  watch.rose();
  watch.rose();
  watch.check(0);
  watch.check(100_000);
  expect([watch.many, told]).toEqual([false, 0]);
  watch.rose();
  watch.check(100_000);
  watch.check(159_999);
  expect([watch.many, told]).toEqual([true, 0]);
  watch.check(160_000);
  watch.check(300_000);
  expect(told).toBe(1);
});

test('zombies that end start the minute anew', () => {
  let told = 0;
  const watch = new ZombieWatch(1, () => told++);
  watch.rose();
  watch.check(0);
  watch.ended();
  watch.check(59_000);
  watch.rose();
  watch.check(61_000);
  watch.check(120_000);
  expect(told).toBe(0);
});

test('as many zombies as slots take no further slot', () => {
  const watch = new ZombieWatch(2, () => undefined);
  watch.rose();
  expect(watch.bearable).toBe(true);
  watch.rose();
  expect(watch.bearable).toBe(false);
});
