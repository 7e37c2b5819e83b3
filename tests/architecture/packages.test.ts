import { expect, test } from 'vitest';
import { doorProblems, testDoorProblems, versionProblems } from './rules/packages.ts';
import { REPO_ROOT, readWorkspace } from './support/workspace.ts';

const workspace = readWorkspace(REPO_ROOT);

test('a lib has one door, ./src/index.ts, with named exports only', () => {
  expect(doorProblems(workspace)).toEqual([]);
});

test('what is for tests alone has a door of its own, which production does not use', () => {
  expect(testDoorProblems(workspace)).toEqual([]);
});

test('versions stand in the catalog alone, exact', () => {
  expect(versionProblems(workspace)).toEqual([]);
});
