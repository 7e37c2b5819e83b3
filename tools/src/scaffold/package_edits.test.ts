import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { Draft } from './draft.ts';
import { addDependencies, lockPackage } from './package_edits.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const LOCK = 'pnpm-lock.yaml';
const folders = fs
  .globSync('{apps,libs,examples}/*/package.json', { cwd: ROOT })
  .map((file) => path.posix.dirname(file.replaceAll(path.sep, '/')));

test.each([...folders, 'tools', 'tests'])('the lock’s entry of %s, written anew, is what pnpm wrote', (folder) => {
  const draft = new Draft(ROOT);
  lockPackage(draft, folder);
  expect(draft.read(LOCK)).toBe(fs.readFileSync(path.join(ROOT, LOCK), 'utf8'));
});

test('a new dependency comes in its place in manifest and lock, and what is there stays', () => {
  const draft = new Draft(ROOT);
  addDependencies(draft, 'apps/gateway', { run: ['@warren/app', '@warren/wire'], dev: ['@warren/service-kit'] });
  const changed = JSON.parse(draft.read('apps/gateway/package.json')) as Record<string, Record<string, string>>;
  const before = JSON.parse(fs.readFileSync(path.join(ROOT, 'apps/gateway/package.json'), 'utf8')) as typeof changed;
  expect(Object.keys(changed).slice(0, Object.keys(before).length)).toEqual(Object.keys(before));
  expect(changed['dependencies']).toEqual({ ...before['dependencies'], '@warren/wire': 'workspace:*' });
  expect(Object.keys(changed['dependencies'] ?? {})).toEqual(Object.keys(changed['dependencies'] ?? {}).toSorted());
  const entry = /\n {2}apps\/gateway:\n([\s\S]*?)\n\n/.exec(draft.read(LOCK))?.[1] ?? '';
  expect(entry).toContain("'@warren/wire':\n        specifier: workspace:*\n        version: link:../../libs/wire");
  expect(entry).toContain(
    "'@warren/service-kit':\n        specifier: workspace:*\n        version: link:../../libs/service-kit",
  );
});
