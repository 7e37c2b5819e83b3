import { expect, test } from 'vitest';
import { identifyProcess, isRunning, startTimeOf } from './process_identity.ts';

const stat = (state: string, threads: number): string =>
  `10548 (a (b) c) ${state} 10502 10502 4250 0 -1 4227084 2958 6528 1 0 4 2 4 3 20 0 ${threads} 0 48405 0 0 18446744073709551615`;

test.each([
  ['S', 1, '48405'],
  ['R', 9, '48405'],
  ['Z', 1, undefined],
  ['Z', 0, undefined],
  ['Z', 2, '48405'],
  ['X', 1, undefined],
] as const)('a process in state %s with %i threads started at %s', (state, threads, startTime) => {
  expect(startTimeOf(stat(state, threads))).toBe(startTime);
});

test('a process is known by its number and its start', () => {
  const self = identifyProcess(process.pid);
  expect(self).toMatchObject({ pid: process.pid });
  if (self === undefined) throw new Error('this process runs');
  expect(isRunning(self)).toBe(true);
  expect(isRunning({ ...self, startTime: `${self.startTime}0` })).toBe(false);
});
