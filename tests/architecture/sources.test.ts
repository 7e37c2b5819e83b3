import { expect, test } from 'vitest';
import { isTest } from './rules/layers.ts';
import {
  appProblems,
  MAX_LINES,
  MAX_P90_LINES,
  muteProblems,
  nameProblems,
  relativeImportProblems,
  sizeProblems,
  sizesOf,
} from './rules/sources.ts';
import { allSources, REPO_ROOT, readWorkspace } from './support/workspace.ts';

const workspace = readWorkspace(REPO_ROOT);

test('a relative import stays inside its package, apart from the map of the broker', () => {
  expect(relativeImportProblems(workspace)).toEqual([]);
});

test(`no source has over ${MAX_LINES} lines and nine of ten that run have at most ${MAX_P90_LINES}`, () => {
  const sources = allSources(workspace);
  const [tests, code] = [sources.filter(({ path }) => isTest(path)), sources.filter(({ path }) => !isTest(path))];
  for (const [name, part] of [
    ['all', sources],
    ['code', code],
    ['tests', tests],
  ] as const) {
    const { files, max, largest, p90 } = sizesOf(part);
    process.stdout.write(`source sizes, ${name}: ${files} files, longest ${max} lines (${largest}), p90 ${p90}\n`);
  }
  expect(sizeProblems(workspace)).toEqual([]);
});

test('apps are thin: few lines, no SQL, no AMQP call', () => {
  expect(appProblems(workspace)).toEqual([]);
});

test('a lint rule is muted for one line, by name and with a reason', () => {
  expect(muteProblems(workspace)).toEqual([]);
});

test('files are named in snake_case and packages in kebab-case', () => {
  expect(nameProblems(workspace)).toEqual([]);
});
