import { expect, test } from 'vitest';
import { fakeClock } from './fake_clock.ts';

test('Time stands still until it is moved', async () => {
  const clock = fakeClock(1000);
  expect([clock.now(), clock.monotonicMs()]).toEqual([1000, 0]);
  await clock.advance(250);
  expect([clock.now(), clock.monotonicMs()]).toEqual([1250, 250]);
});

test('Sleepers wake in order, each at its own time, also those that sleep again', async () => {
  const clock = fakeClock(0);
  const woken: string[] = [];
  const note = (name: string) => () => woken.push(`${name}@${clock.monotonicMs()}`);
  const twice = async () => {
    await clock.sleep(10);
    note('first')();
    await clock.sleep(10);
    note('second')();
  };
  void clock.sleep(15).then(note('middle'));
  void clock.sleep(100).then(note('late'));
  void twice();
  await clock.advance(50);
  expect(woken).toEqual(['first@10', 'middle@15', 'second@20']);
  expect([clock.monotonicMs(), clock.sleepers]).toEqual([50, 1]);
});

test('An abort ends a sleep without an error, before or during it', async () => {
  const clock = fakeClock();
  await clock.sleep(1000, AbortSignal.abort());
  const controller = new AbortController();
  const sleeping = clock.sleep(1000, controller.signal);
  controller.abort();
  await sleeping;
  expect(clock.sleepers).toBe(0);
});

test('A step of the wall clock leaves sleepers and the monotonic clock alone', async () => {
  const clock = fakeClock(5000);
  void clock.sleep(10);
  clock.stepWallClock(-3000);
  expect([clock.now(), clock.monotonicMs(), clock.sleepers]).toEqual([2000, 0, 1]);
});
