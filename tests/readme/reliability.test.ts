import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { REPO } from '../e2e/support/app_process.ts';

const DOCUMENT = 'docs/reliability.md';
const FAULTS = 26;
const TEST = /`([^`]+\.i?test\.ts)`: "([^"]+)"/g;

interface Row {
  readonly elsewhere: string;
  readonly tests: readonly { readonly file: string; readonly title: string }[];
}

/** The rows of the table of faults: the last column names files and titles. */
function rowsOf(text: string): Row[] {
  const table = text.split('## What goes wrong elsewhere')[1]?.split('\n## ')[0] ?? '';
  const lines = table.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| elsewhere'));
  return lines.map((line) => {
    const [elsewhere = '', , tests = ''] = line.slice(2, -2).split(' | ');
    return { elsewhere, tests: [...tests.matchAll(TEST)].map(([, file = '', title = '']) => ({ file, title })) };
  });
}

/** A row without a test, or one whose file has no test of that title. */
function problemsOf({ elsewhere, tests }: Row): string[] {
  if (tests.length === 0) return [`no test: ${elsewhere}`];
  return tests.flatMap(({ file, title }) => {
    const place = path.join(REPO, file);
    if (!fs.existsSync(place)) return [`${file} does not exist: ${elsewhere}`];
    return fs.readFileSync(place, 'utf8').includes(`'${title}'`) ? [] : [`${file} has no test "${title}"`];
  });
}

test('each of the 26 faults of other libraries names tests that exist', () => {
  const rows = rowsOf(fs.readFileSync(path.join(REPO, DOCUMENT), 'utf8'));
  expect(rows).toHaveLength(FAULTS);
  expect(rows.flatMap(problemsOf)).toEqual([]);
});

test('a fault without a test, with a file or a title that does not exist, is named', () => {
  const table = [
    '## What goes wrong elsewhere',
    '| elsewhere | here | tests |',
    '| a | b | nothing |',
    '| c | d | `libs/rabbit/test/gone.itest.ts`: "title" |',
    '| e | f | `libs/rabbit/test/rpc.itest.ts`: "title that nobody wrote" |',
  ].join('\n');
  expect(rowsOf(table).flatMap(problemsOf)).toEqual([
    'no test: a',
    'libs/rabbit/test/gone.itest.ts does not exist: c',
    'libs/rabbit/test/rpc.itest.ts has no test "title that nobody wrote"',
  ]);
});
