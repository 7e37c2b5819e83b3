import { expect, test } from 'vitest';
import { registryProblems } from './rules/registries.ts';
import { REPO_ROOT, readWorkspace } from './support/workspace.ts';

test('every command of the contracts is registered once, by the service that owns it', async () => {
  expect(await registryProblems(readWorkspace(REPO_ROOT))).toEqual([]);
});
