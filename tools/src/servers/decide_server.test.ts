import { expect, test } from 'vitest';
import { ToolError } from '../tool_error.ts';
import { decideServer, type Way } from './decide_server.ts';
import type { Attempt, Origin } from './place.ts';

const no = (reason: string) => async (): Promise<Attempt<string>> => ({ next: reason });
const yes = (reason: string) => async (): Promise<Attempt<string>> => ({ use: reason, reason });
const broken = (message: string) => async (): Promise<Attempt<string>> => {
  throw new ToolError(message);
};
const origins: readonly Origin[] = ['url', 'local', 'docker', 'private'];
const ways = (...attempts: Way<string>['attempt'][]): Way<string>[] =>
  attempts.map((attempt, index) => ({ origin: origins[index] ?? 'private', attempt }));

test.each([
  ['the given URL', ways(yes('A'), yes('B'), yes('C'), yes('D')), 'redis: step 1, given URL: A'],
  [
    'the standard port',
    ways(no('no URL'), yes('B'), yes('C'), yes('D')),
    'redis: step 2, server on the standard port: B (no URL)',
  ],
  ['Docker', ways(no('no URL'), no('no port'), yes('C'), yes('D')), 'redis: step 3, Docker: C (no URL; no port)'],
  ['a private instance', ways(no('a'), no('b'), no('c'), yes('D')), 'redis: step 4, private instance: D (a; b; c)'],
])('The first way that works is taken and gives its reason: %s', async (_name, list, line) => {
  expect((await decideServer('redis', list, 'Install it.')).line).toBe(line);
});

test('A given URL that fails is an error, and no other way is tried', async () => {
  let tried = false;
  const next = async (): Promise<Attempt<string>> => {
    tried = true;
    return { use: 'B', reason: 'B' };
  };
  await expect(decideServer('redis', ways(broken('does not answer'), next), 'Install it.')).rejects.toThrow(
    'does not answer',
  );
  expect(tried).toBe(false);
});

test('When nothing works, one sentence per reason and one that says what to install', async () => {
  const none = decideServer('redis', ways(no('a'), no('b'), no('c'), no('d')), 'Install redis-server.');
  await expect(none).rejects.toThrow('redis: a; b; c; d. Install redis-server.');
});
