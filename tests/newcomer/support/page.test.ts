import { expect, test } from 'vitest';
import { type Edit, edited, readPage } from './page.ts';

const fence = '```';
const block = (language: string, ...lines: readonly string[]): string =>
  [`${fence}${language}`, ...lines, fence].join('\n');

test('a page is its commands, its edits and its transcript in their order', () => {
  const transcript = [
    '<!-- transcript:begin -->',
    block('bash', 'four'),
    block('text', 'five'),
    '<!-- transcript:end -->',
  ].join('\n');
  const page = [
    '# Title',
    block('bash', 'one', 'two'),
    '## Section',
    '<!-- stays up -->',
    block('bash', 'three'),
    transcript,
    '<!-- create a/b.ts -->',
    '',
    block('ts', 'six'),
    '<!-- after in c.ts: "  x: [" -->',
    block('ts', 'seven', ''),
  ].join('\n');
  expect(readPage(page)).toMatchObject([
    { kind: 'run', line: 3, command: 'one' },
    { kind: 'run', line: 4, command: 'two' },
    { kind: 'section_end' },
    { kind: 'stays_up', command: 'three' },
    { kind: 'transcript', line: 11, markdown: transcript },
    { kind: 'edit', edit: { kind: 'create', file: 'a/b.ts', text: 'six\n' } },
    { kind: 'edit', edit: { kind: 'after', file: 'c.ts', anchor: '  x: [', text: 'seven\n\n' } },
    { kind: 'section_end' },
  ]);
});

test.each([
  ['code that goes nowhere', block('ts', 'x'), 'line 1: nobody can follow a block of "ts" with "nothing"'],
  ['a language that nobody runs', block('', 'npm start'), 'line 1: nobody can follow a block of ""'],
  ['a comment that is not understood', `<!-- put it in a.ts -->\n${block('ts', 'x')}`, '"put it in a.ts"'],
  ['a comment without its block', '<!-- create a.ts -->\ntext', 'line 2: "create a.ts" is said of no block'],
  ['a comment at the end', '<!-- create a.ts -->', '"create a.ts" is said of no block'],
  ['a block without an end', `${fence}bash\nx`, 'line 1: ```bash has no end'],
  ['a transcript without an end', '<!-- transcript:begin -->', 'line 1: <!-- transcript:begin --> has no end'],
])('%s is refused', (_, page, sentence) => {
  expect(() => readPage(page)).toThrow(sentence);
});

const place = { file: 'a.ts', anchor: '  b', text: 'new\n' } as const;

test.each<[string, Edit, string | undefined, string]>([
  ['a new file', { kind: 'create', file: 'a.ts', text: 'new\n' }, undefined, 'new\n'],
  ['after a line', { kind: 'after', ...place }, 'a\n  bc\nd\n', 'a\n  bc\nnew\nd\n'],
  ['before a line', { kind: 'before', ...place }, 'a\n  bc\nd\n', 'a\nnew\n  bc\nd\n'],
])('an edit is made where the page says: %s', (_, edit, before, after) => {
  expect(edited(before, edit)).toBe(after);
});

test.each<[string, Edit, string | undefined, string]>([
  ['a new file that is there', { kind: 'create', file: 'a.ts', text: '' }, '', 'a.ts is there already'],
  ['a file that is not there', { kind: 'after', ...place }, undefined, 'a.ts is not there'],
  ['a line that is not there', { kind: 'after', ...place }, 'b\n', 'a.ts has 0 lines that begin with   b'],
  ['a line that is there twice', { kind: 'before', ...place }, '  b\n  bc\n', 'a.ts has 2 lines'],
])('a page does not fit: %s', (_, edit, before, sentence) => {
  expect(() => edited(before, edit)).toThrow(sentence);
});
