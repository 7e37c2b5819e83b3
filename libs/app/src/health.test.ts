import { expect, test } from 'vitest';
import { Health } from './health.ts';

test('a service is not ready before its start is over, and the step under way is named', () => {
  const health = new Health();
  health.starting('postgres');
  health.check('postgres', () => 'not reached yet');
  expect(health.problems()).toEqual({ service: 'starting: postgres', postgres: 'not reached yet' });
});

test('a ready service names what is missing, each time anew', () => {
  const health = new Health();
  const state: { problem?: string } = {};
  health.check('redis', () => state.problem);
  health.ready();
  expect(health.problems()).toEqual({});
  state.problem = 'gone';
  expect(health.problems()).toEqual({ redis: 'gone' });
});

test('a service that stops is not ready, and does not become so when its start ends late', () => {
  const health = new Health();
  health.stopping();
  health.ready();
  expect(health.problems()).toEqual({ service: 'stopping' });
});
