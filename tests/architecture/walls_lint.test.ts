import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkspaceCopy } from './support/workspace_copy.ts';

const PLACES = ['apps', 'libs', 'examples', 'tools', 'tests', 'bench', 'rabbitmq_topology.ts', 'vitest.config.ts'];
const LIMIT_MS = 170_000;
const DIR = 'libs/redis/src';
/** In two halves, so that this file holds none. */
const NOTE = ['TO', 'DO'].join('');

/** Each wall of the linter with a file that breaks it and nothing else around it. */
const WALLS: readonly (readonly [wall: string, rule: string, text: string])[] = [
  ['any', 'no-explicit-any', 'export const f = (x: any): void => void x;'],
  [
    'what any brings along',
    'no-unsafe-assignment',
    'export const f = (x: string): unknown => { const y = JSON.parse(x); return y; };',
  ],
  ['non-null', 'no-non-null-assertion', 'export const f = (x: string[]): string => x[0]!;'],
  ['an `as` that lies', 'no-unsafe-type-assertion', 'export const f = (x: unknown): string => x as string;'],
  ['a muted type error', 'ban-ts-comment', '// @ts-ignore\nexport const f = (x: string): string => x;'],
  ['process.env', 'no-process-env', "export const f = (): string | undefined => process.env['X'];"],
  [
    'process.env by another name',
    'no-restricted-properties',
    'export const f = (): unknown => { const { env } = process; return env; };',
  ],
  [
    'process.env by import',
    'no-restricted-imports',
    "import { env } from 'node:process';\nexport const f = (): unknown => env;",
  ],
  ['console', 'no-console', "export const f = (): void => console.log('x');"],
  ['a default export', 'no-default-export', 'export default function f(): void {}'],
  ['a file over 300 lines', 'max-lines', `export const f = [\n${'  0,\n'.repeat(300)}];`],
  ['a function over 50 lines', 'max-lines-per-function', `export function f(): void {\n${'  void 0;\n'.repeat(50)}}`],
  ['five parameters', 'max-params', 'export const f = (a: 1, b: 1, c: 1, d: 1, e: 1): unknown => [a, b, c, d, e];'],
  [
    'depth four',
    'max-depth',
    'export function f(a: boolean): void {\n  if (a) for (;;) while (a) { if (a) { if (a) return; } }\n}',
  ],
  ['complexity eleven', 'complexity', `export const f = (x: number): number => ${'x > 1 ? x : '.repeat(10)} 1;`],
  ['a note to do it later', 'no-warning-comments', `// ${NOTE} later\nexport const f = 1;`],
  ['a promise that nobody awaits', 'no-floating-promises', 'export const f = (): void => { Promise.resolve(1); };'],
  [
    'a forgotten case',
    'switch-exhaustiveness-check',
    "export function f(x: 'a' | 'b'): void {\n  switch (x) { case 'a': return; }\n}",
  ],
  [
    'a rule muted in vain',
    'disable directive',
    '// oxlint-disable-next-line no-console -- not needed at all\nexport const f = 1;',
  ],
  ['every rule muted', 'no-abusive-eslint-disable', '/* oxlint-disable */\nexport const f = 1;'],
];
/** A circle takes two files. */
const CYCLE = [`${DIR}/planted_circle_a.ts`, `${DIR}/planted_circle_b.ts`] as const;
const fileOf = (index: number): string => `${DIR}/planted_${index}.ts`;

let copy: WorkspaceCopy;
let planted: Map<string, string[]>;

beforeAll(async () => {
  copy = new WorkspaceCopy();
  for (const [index, [, , text]] of WALLS.entries()) copy.write(fileOf(index), `${text}\n`);
  copy.write(CYCLE[0], "import { b } from './planted_circle_b.ts';\nexport const a = (): unknown => b;\n");
  copy.write(CYCLE[1], "import { a } from './planted_circle_a.ts';\nexport const b = (): unknown => a;\n");
  planted = await lint([DIR]);
  copy.restore();
}, LIMIT_MS);
afterAll(() => copy[Symbol.dispose]());

test('a clean copy passes the linter', { timeout: LIMIT_MS }, async () => {
  expect(Object.fromEntries(await lint(PLACES))).toEqual({});
});

test.for(WALLS.map(([wall, rule], index) => [wall, rule, fileOf(index)] as const))(
  '%s is refused by %s',
  ([, rule, file]) => {
    expect(planted.get(file)).toEqual(expect.arrayContaining([expect.stringContaining(rule)]));
  },
);

test('a circle of imports is refused by import/no-cycle', () => {
  const refusals = CYCLE.flatMap((file) => planted.get(file) ?? []);
  expect(refusals).toEqual(expect.arrayContaining([expect.stringContaining('no-cycle')]));
});

interface Diagnostic {
  readonly filename: string;
  readonly code?: string;
  readonly message: string;
}

/** Runs the linter as `check` does: rule and message of each refusal by file. @throws Error when it did not lint */
async function lint(places: readonly string[]): Promise<Map<string, string[]>> {
  const { stdout, stderr } = await copy.run('oxlint', [
    '--type-aware',
    '--deny-warnings',
    '--format',
    'json',
    ...places,
  ]);
  const report: unknown = JSON.parse(stdout || `{"no report": ${JSON.stringify(stderr)}}`);
  if (!isReport(report)) throw new Error(`the linter wrote no report: ${stdout}${stderr}`);
  const refusals = Map.groupBy(report.diagnostics, ({ filename }) => filename);
  return new Map(
    [...refusals].map(([file, found]) => [file, found.map(({ code, message }) => `${code ?? ''}: ${message}`)]),
  );
}

function isReport(value: unknown): value is { diagnostics: readonly Diagnostic[]; number_of_files: number } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'diagnostics' in value &&
    'number_of_files' in value &&
    value.number_of_files !== 0
  );
}
