import { expect, test } from 'vitest';
import { textProblems, trackedFileProblems, trackedFiles } from './rules/tracked_files.ts';
import { REPO_ROOT } from './support/workspace.ts';

test('no file names a path of one machine, a registry or a secret', () => {
  const files = trackedFiles(REPO_ROOT);
  expect(files.length).toBeGreaterThan(300);
  expect(trackedFileProblems(REPO_ROOT, files)).toEqual([]);
});

/** Put together here, so that this file does not hold what it refuses. */
const HOME = ['', 'home', 'alice', ''].join('/');
const MACHINE = ['', 'work', 'm'].join('/');
const TEMPORARY = ['', 'tmp', 'x'].join('/');
const REGISTRY = ['registry', 'example', 'org'].join('.');

test.for([
  ['a home folder', 'docs/a.md', `see ${HOME}warren`, `docs/a.md:1: holds the path of a home folder: ${HOME}`],
  ['a folder of one machine', 'a.ts', `const x = '${MACHINE}ain';`, `a.ts:1: holds a path of one machine: ${MACHINE}`],
  [
    'a temporary folder',
    'a.ts',
    `\nopen('${TEMPORARY}')`,
    `a.ts:2: holds a path below the temporary folder of one machine: ${TEMPORARY}`,
  ],
  [
    'an address in a lock file',
    'pnpm-lock.yaml',
    'a: {}\n  tarball: x',
    'pnpm-lock.yaml:2: holds the address of a registry: tarball:',
  ],
  [
    'a registry in a lock file',
    'tools/toolchain/package-lock.json',
    `"x": "${REGISTRY}"`,
    `tools/toolchain/package-lock.json:1: holds the address of a registry: ${REGISTRY}`,
  ],
] as const)('%s is refused by name', ([, file, text, sentence]) => {
  expect(textProblems(file, text)).toEqual([sentence]);
});

test('an address inside of the project is none of them', () => {
  expect(textProblems('a.ts', "new URL('./work/main.ts', base); `${dir}/tmp/x`; 'libs/work/x'")).toEqual([]);
});
