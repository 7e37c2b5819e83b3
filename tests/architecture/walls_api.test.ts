import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type RunResult, WorkspaceCopy } from './support/workspace_copy.ts';

const LIMIT_MS = 170_000;
const CONTRACTS = 'libs/contracts/src/auth/auth_contracts.ts';
const DTO = 'export const RefreshDto = z.object({ ';
const REPLY = 'export const LogoutReply = z.object({ ';
const CHANGELOG = 'CHANGELOG.md';
const ENTRY = '## [Unreleased]\n\n### Breaking\n\n- `auth.refresh`: `device` is required.\n';
const GENERATORS = ['openapi', 'asyncapi'] as const;
let copy: WorkspaceCopy;

const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.net', ...args], {
    cwd: copy.root,
    encoding: 'utf8',
  });
const generate = (name: string, ...args: readonly string[]): Promise<RunResult> =>
  copy.run('node', [`tools/src/generate_${name}.ts`, ...args]);
const plant = (place: string, field: string): void => copy.replace(CONTRACTS, place, `${place}${field}`);

beforeAll(() => {
  copy = new WorkspaceCopy();
  git('init', '-qb', 'main');
  git('add', 'docs/api', CHANGELOG);
  git('commit', '-qm', 'as it is');
}, LIMIT_MS);
afterEach(() => {
  copy.restore();
  git('checkout', '-q', 'HEAD', '--', 'docs/api');
});
afterAll(() => copy[Symbol.dispose]());

test.for(GENERATORS)(
  'a field that becomes required is refused by name in %s, and --fix does not write it',
  { timeout: LIMIT_MS },
  async (name) => {
    plant(DTO, 'device: z.string(), ');
    for (const args of [['--check'], [], ['--accept-breaking']]) {
      const { code, stderr } = await generate(name, ...args);
      expect(code, args.join()).toBe(1);
      expect(stderr).toContain('auth.refresh: field "device" is required now');
      expect(stderr).toContain('breaks ');
      expect(stderr).toContain('- `auth.refresh`, `device`: …');
    }
    expect(git('status', '--porcelain', 'docs/api')).toBe('');
  },
);

test.for(GENERATORS)('the changelog and the flag together accept it in %s', { timeout: LIMIT_MS }, async (name) => {
  plant(DTO, 'device: z.string(), ');
  copy.replace(CHANGELOG, '## [Unreleased]\n', ENTRY);
  expect((await generate(name)).stderr).toContain('--accept-breaking');
  expect(git('status', '--porcelain', 'docs/api')).toBe('');
  expect(await generate(name, '--accept-breaking')).toMatchObject({ code: 0, stderr: '' });
  expect(await generate(name, '--check')).toMatchObject({ code: 0, stderr: '' });
});

test.for(GENERATORS)(
  'a new field that may be left out and a new field of a reply are only made anew in %s',
  { timeout: LIMIT_MS },
  async (name) => {
    plant(DTO, 'device: z.string().optional(), ');
    plant(REPLY, 'sessions: z.int(), ');
    expect(await generate(name, '--check')).toMatchObject({
      code: 1,
      stderr: `docs/api/${name}.json differs from the contracts: run \`npm run check -- --fix\`\n`,
    });
    expect(await generate(name)).toMatchObject({ code: 0, stderr: '' });
    expect(await generate(name, '--check')).toMatchObject({ code: 0, stderr: '' });
  },
);
