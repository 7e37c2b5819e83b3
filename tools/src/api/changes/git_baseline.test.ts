import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { baselinesOf } from './git_baseline.ts';

const FILE = 'docs/x.json';
let place = '';
let root = '';

beforeEach(() => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), 'warren-baseline-'));
  root = path.join(place, 'repository');
  fs.mkdirSync(path.join(root, 'docs'), { recursive: true });
});
afterEach(() => fs.rmSync(place, { recursive: true, force: true }));

const git = (cwd: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.net', ...args], {
    cwd,
    encoding: 'utf8',
    stdio: 'pipe',
  });

function commit(text: string): void {
  fs.writeFileSync(path.join(root, FILE), text);
  git(root, 'add', '-A');
  git(root, 'commit', '-qm', text);
}

const texts = (at = root): string[] => baselinesOf(at, FILE).found.map(({ text }) => text);

test('on the common branch the last two commits count', () => {
  git(root, 'init', '-qb', 'main');
  for (const text of ['one', 'two', 'three']) commit(text);
  expect(texts()).toEqual(['three', 'two']);
});

test('on a branch HEAD counts, and where it left the common branch', () => {
  git(root, 'init', '-qb', 'main');
  commit('one');
  git(root, 'checkout', '-qb', 'topic');
  for (const text of ['two', 'three']) commit(text);
  expect(texts()).toEqual(['three', 'one']);
  expect(baselinesOf(root, FILE).found[1]?.label).toMatch(/^where the branch left main \([0-9a-f]{7}\)$/);
});

test('commits that are not published yet count as a branch', () => {
  git(root, 'init', '-qb', 'main');
  commit('one');
  git(place, 'clone', '-q', root, 'clone');
  root = path.join(place, 'clone');
  for (const text of ['two', 'three']) commit(text);
  expect(texts()).toEqual(['three', 'one']);
});

test('a shallow clone knows HEAD alone, and says so', () => {
  git(root, 'init', '-qb', 'main');
  for (const text of ['one', 'two']) commit(text);
  git(place, 'clone', '-q', '--depth', '1', `file://${root}`, 'clone');
  const { found, note } = baselinesOf(path.join(place, 'clone'), FILE);
  expect(found.map(({ text }) => text)).toEqual(['two']);
  expect(note).toContain('shallow');
});

test('without a repository, without a commit and without the file there is nothing, and the first two are said', () => {
  expect(baselinesOf(root, FILE)).toEqual({ found: [], note: 'there is no git repository here' });
  git(root, 'init', '-qb', 'main');
  expect(baselinesOf(root, FILE)).toEqual({ found: [], note: 'nothing is committed yet' });
  commit('one');
  expect(baselinesOf(root, 'docs/other.json')).toEqual({ found: [] });
});

test("a folder inside of somebody else's repository has no history of its own", () => {
  git(place, 'init', '-qb', 'main');
  expect(baselinesOf(root, FILE).note).toBe('there is no git repository here');
});
