import { expect, test } from 'vitest';
import { addImport, appendItem, typeNamed, valueNamed } from './insertions.ts';
import { constantsOf, parse } from './syntax.ts';

function append(text: string, added: string): string {
  const source = parse('a.ts', text);
  return appendItem(source, constantsOf(source)[0]?.init, added);
}

/** The text without what the formatter decides. */
const bare = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

test.each([
  ['an empty list', 'const a = [];', 'const a = [ B, ];'],
  ['one line', 'const a = [A];', 'const a = [A,B, ];'],
  ['lines', 'const a = [\n  A,\n];', 'const a = [ A, B, ];'],
  ['a last line without comma', 'const a = [\n  A\n];', 'const a = [ A ,B, ];'],
  ['`as const`', 'export const a = [A] as const;', 'export const a = [A,B, ] as const;'],
  ['a comment with a comma', 'const a = [\n  A // one, two\n];', 'const a = [ A // one, two ,B, ];'],
])('an element is added to %s', (_case, before, after) => {
  const text = append(before, 'B');
  expect(bare(text)).toBe(after);
  expect(() => parse('a.ts', text)).not.toThrow();
});

test('a property is added behind the last one, whatever stands above, and characters outside of ASCII do not shift it', () => {
  const text = append("// é 𝒢 ‮\nconst a = {\n  x: '𝒢', // why\n} as const satisfies B;\n", 'y: 1');
  expect(text).toBe("// é 𝒢 ‮\nconst a = {\n  x: '𝒢', // why\ny: 1,\n} as const satisfies B;\n");
});

test('where there is no list, it is said and nothing is added', () => {
  expect(() => append('const a = 1;', 'B')).toThrow('a.ts has no list where this tool could add a line');
});

test.each([
  ['a new module', '', [valueNamed('B')], "import { B } from 'm';\n"],
  ['a name that is there', "import { B } from 'm';\n", [valueNamed('B')], "import { B } from 'm';\n"],
  ['one name more', "import { A } from 'm';\n", [valueNamed('B')], "import { A, B } from 'm';\n"],
  ['a type more', "import type { A } from 'm';\n", [typeNamed('B')], "import type { A, B } from 'm';\n"],
  ['a value beside types', "import type { A } from 'm';\n", [valueNamed('B')], "import { type A, B } from 'm';\n"],
  ['a type beside values', "import { A } from 'm';\n", [typeNamed('B')], "import { A, type B } from 'm';\n"],
  ['a name space', "import * as m from 'm';\n", [valueNamed('B')], "import { B } from 'm';\nimport * as m from 'm';\n"],
])('an import is completed: %s', (_case, before, names, after) => {
  expect(addImport('a.ts', before, 'm', names)).toBe(after);
});
