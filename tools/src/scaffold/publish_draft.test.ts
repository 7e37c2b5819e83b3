import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Draft } from './draft.ts';
import { publishDraft } from './publish_draft.ts';

const REPO = path.resolve(import.meta.dirname, '..', '..', '..');
let root: string;

beforeEach(() => {
  root = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'warren-publish-'));
  fs.mkdirSync(path.join(root, 'tools', 'src'), { recursive: true });
  fs.mkdirSync(path.join(root, 'docs'));
  fs.copyFileSync(path.join(REPO, 'biome.json'), path.join(root, 'biome.json'));
  fs.symlinkSync(path.join(REPO, 'node_modules'), path.join(root, 'node_modules'));
  fs.writeFileSync(path.join(root, 'a.ts'), 'export const a = 1;\n');
});

afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

/** Every file below the root with its text, apart from the installed packages. */
function files(): Record<string, string> {
  const names = fs.globSync('**/*', { cwd: root, exclude: (name) => name === 'node_modules' });
  const found = names.filter((name) => fs.statSync(path.join(root, name)).isFile());
  return Object.fromEntries(found.sort().map((name) => [name, fs.readFileSync(path.join(root, name), 'utf8')]));
}

function draft(): Draft {
  const drafted = new Draft(root);
  drafted.change('a.ts', (text) => `${text}export const b = {x:2}`);
  drafted.create('libs/new/src/c.ts', 'export const c=3');
  return drafted;
}

/** A generator that writes a file and then ends with this code. */
const generator = (code: number): void =>
  fs.writeFileSync(
    path.join(root, 'tools', 'src', 'generate_x.ts'),
    `import fs from 'node:fs';\nfs.writeFileSync('docs/x.md', fs.readFileSync('a.ts', 'utf8'));\nprocess.exitCode = ${code};\n`,
  );

test('a draft is written formatted, and the generated files follow', async () => {
  generator(0);
  expect(await publishDraft(draft())).toEqual(['a.ts', 'libs/new/src/c.ts']);
  const a = 'export const a = 1;\nexport const b = { x: 2 };\n';
  expect(files()).toMatchObject({ 'a.ts': a, 'libs/new/src/c.ts': 'export const c = 3;\n', 'docs/x.md': a });
});

test('when a generator fails, every file is as it was and no folder is left', async () => {
  generator(1);
  fs.writeFileSync(path.join(root, 'docs', 'x.md'), 'export const a = 1;\n');
  const before = files();
  await expect(publishDraft(draft())).rejects.toThrow('generate_x.ts failed: nothing was changed.');
  expect(files()).toEqual(before);
  expect(fs.existsSync(path.join(root, 'libs'))).toBe(false);
});

test('a draft that does not parse is refused before anything is written', async () => {
  const before = files();
  const broken = new Draft(root);
  broken.change('a.ts', () => 'export const (');
  await expect(publishDraft(broken)).rejects.toThrow('The formatter refuses what was drafted');
  expect(files()).toEqual(before);
});

test('a file that is there already is not written over', () => {
  expect(() => new Draft(root).create('a.ts', '')).toThrow('a.ts is there already: nothing was changed.');
});
