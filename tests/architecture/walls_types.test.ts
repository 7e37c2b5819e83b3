import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WorkspaceCopy } from './support/workspace_copy.ts';

const LIMIT_MS = 170_000;
const REGISTRY = 'apps/game-allocator/src/allocator_config.ts';
const BINDING = 'command(ASSIGN_GAME, ALLOCATION.assignGame)';
const PLANTED = 'libs/kernel/src/planted.ts';

let copy: WorkspaceCopy;
beforeAll(() => {
  copy = new WorkspaceCopy();
});
afterEach(() => copy.restore());
afterAll(() => copy[Symbol.dispose]());

test('a clean copy passes the compiler and the search for unused code', { timeout: LIMIT_MS }, async () => {
  const types = await copy.run('tsc', ['--noEmit', '--pretty', 'false']);
  expect(types).toMatchObject({ code: 0, stdout: '' });
  const unused = await copy.run('knip', ['--no-progress', '--no-config-hints']);
  expect(unused).toMatchObject({ code: 0, stdout: '' });
});

test('the compiler refuses, each at its line: a handler of another DTO, an undeclared package, an enum', {
  timeout: LIMIT_MS,
}, async () => {
  copy.replace(REGISTRY, BINDING, 'command(ASSIGN_GAME, ALLOCATION.confirmAssignment)');
  copy.write(PLANTED, "import { Cron } from 'croner';\nexport enum Colour { red }\nexport const f = Cron;\n");
  copy.write('tsconfig.json', JSON.stringify({ extends: './tsconfig.base.json', include: [REGISTRY, PLANTED] }));
  const { code, stdout } = await copy.run('tsc', ['--noEmit', '--pretty', 'false']);
  const line =
    copy
      .read(REGISTRY)
      .split('\n')
      .findIndex((text) => text.includes('ALLOCATION.confirmAssignment')) + 1;
  expect(code).not.toBe(0);
  expect(stdout).toMatch(new RegExp(`^${REGISTRY}\\(${line},\\d+\\): error TS\\d+`, 'm'));
  expect(stdout).toMatch(/^libs\/kernel\/src\/planted\.ts\(1,\d+\): error TS2307: Cannot find module 'croner'/m);
  expect(stdout).toMatch(/^libs\/kernel\/src\/planted\.ts\(2,\d+\): error TS1294: .*erasableSyntaxOnly/m);
  const files = stdout.split('\n').flatMap((text) => /^(\S+?)\(\d+,\d+\)/.exec(text)?.[1] ?? []);
  expect(new Set(files)).toEqual(new Set([REGISTRY, PLANTED]));
});

test('the search for unused code refuses a file, an export, a type, a dependency and an undeclared one', {
  timeout: LIMIT_MS,
}, async () => {
  copy.write(PLANTED, 'export const f = 1;\n');
  const door = 'libs/redis/src/index.ts';
  copy.write(
    door,
    `import 'croner';\n${copy.read(door)}export const PLANTED_EXPORT = 1;\nexport type PlantedType = 1;\n`,
  );
  copy.replace('libs/redis/package.json', '"ioredis"', '"cockatiel": "catalog:",\n    "ioredis"');
  const { code, stdout } = await copy.run('knip', ['--no-progress', '--no-config-hints']);
  expect(code).not.toBe(0);
  const sections = sectionsOf(stdout);
  expect(sections['Unused files']).toContain(PLANTED);
  expect(sections['Unused exports']).toMatch(/^PLANTED_EXPORT\s+libs\/redis\/src\/index\.ts/m);
  expect(sections['Unused exported types']).toMatch(/^PlantedType\s+type\s+libs\/redis\/src\/index\.ts/m);
  expect(sections['Unused dependencies']).toMatch(/^cockatiel\s+libs\/redis\/package\.json/m);
  expect(sections['Unlisted dependencies']).toMatch(/^croner\s+libs\/redis\/src\/index\.ts/m);
});

/** Knip's report by heading: `Unused files (2)` and the lines below it. */
function sectionsOf(report: string): Record<string, string> {
  const parts = report.split(/^([A-Z][a-z ]+) \(\d+\)$/m).slice(1);
  const pairs = parts.flatMap((heading, index) =>
    index % 2 === 0 ? [[heading, (parts[index + 1] ?? '').trim()] as const] : [],
  );
  return Object.fromEntries(pairs);
}
