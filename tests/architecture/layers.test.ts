import { expect, test } from 'vitest';
import { LAYERS, layerProblems } from './rules/layers.ts';
import { packageCycleProblems, undeclaredProblems, vendorProblems } from './rules/packages.ts';
import { REPO_ROOT, readWorkspace } from './support/workspace.ts';

const workspace = readWorkspace(REPO_ROOT);

test('the workspace is read as a whole: every lib, every app, hundreds of imports', () => {
  const dirs = workspace.packages.map(({ dir }) => dir);
  expect(dirs).toEqual(expect.arrayContaining(Object.keys(LAYERS).map((lib) => `libs/${lib}`)));
  expect(dirs).toEqual(
    expect.arrayContaining(['apps/gateway', 'apps/auth-svc', 'apps/game-allocator', 'apps/coordinator']),
  );
  const imports = workspace.packages.flatMap(({ sources }) => sources.flatMap((source) => source.imports));
  expect(imports.length).toBeGreaterThan(500);
});

test('a lib imports only lower layers, domains never meet, apps are wiring, examples use what is published', () => {
  expect(layerProblems(workspace)).toEqual([]);
});

test('a vendor library has one owner', () => {
  expect(vendorProblems(workspace)).toEqual([]);
});

test('what is imported is declared by the package that imports it', () => {
  expect(undeclaredProblems(workspace)).toEqual([]);
});

test('packages do not depend on each other in a circle', () => {
  expect(packageCycleProblems(workspace)).toEqual([]);
});
