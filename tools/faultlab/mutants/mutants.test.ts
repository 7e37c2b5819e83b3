import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { PROFILES } from '../profiles.ts';
import { MUTANTS } from './mutant_list.ts';
import { MutantTree, PatchDoesNotApply } from './mutant_tree.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const patchOf = (name: string): string => path.join(import.meta.dirname, `${name}.patch`);

test.each(MUTANTS)('$name applies to the code as it is, and its profile exists', ({ name, profile }) => {
  expect(Object.keys(PROFILES)).toContain(profile);
  execFileSync('git', ['apply', '--check', patchOf(name)], { cwd: ROOT, stdio: 'pipe' });
});

test('a mutant is a copy of the tree with its patch applied', () => {
  const [mutant] = MUTANTS;
  if (mutant === undefined) throw new Error('there are no mutants');
  using tree = new MutantTree(ROOT, patchOf(mutant.name));
  const changed = /^\+\+\+ b\/(.*)$/m.exec(fs.readFileSync(patchOf(mutant.name), 'utf8'))?.[1] ?? '';
  const [before, after] = [ROOT, tree.root].map((root) => fs.readFileSync(path.join(root, changed), 'utf8'));
  expect(after).not.toBe(before);
});

test('every patch belongs to a mutant', () => {
  const patches = fs.readdirSync(import.meta.dirname).filter((file) => file.endsWith('.patch'));
  expect(patches.sort()).toEqual(MUTANTS.map(({ name }) => `${name}.patch`).sort());
});

test('a patch that does not fit is refused by its name', () => {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(process.env['TMPDIR'] ?? '/tmp'), 'patch-'));
  const file = path.join(folder, 'm99_outdated.patch');
  fs.writeFileSync(file, '--- a/package.json\n+++ b/package.json\n@@ -1 +1 @@\n-no such line\n+another\n');
  expect(() => new MutantTree(ROOT, file)).toThrow(PatchDoesNotApply);
  expect(() => new MutantTree(ROOT, file)).toThrow('m99_outdated.patch');
  fs.rmSync(folder, { recursive: true });
});
