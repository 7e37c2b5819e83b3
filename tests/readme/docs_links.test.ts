import fs from 'node:fs';
import path from 'node:path';
import { SERVICES } from '@warren/rabbit';
import { expect, test } from 'vitest';
import { REPO } from '../e2e/support/app_process.ts';
import {
  type Document,
  decisionProblems,
  linkProblems,
  metricProblems,
  nameProblems,
  pathProblems,
  readDocuments,
  scriptProblems,
  undescribedProblems,
} from './support/documents.ts';

const read = (file: string): string => fs.readFileSync(path.join(REPO, file), 'utf8');
const documents = readDocuments(REPO);
/** The document that says what became of names of other systems: they stand in the first column of its tables. */
const SEEDS = 'docs/seeds.md';
const DECISIONS = 'docs/decisions/';
/** Files that a reader of these pages makes. */
const OF_THE_WORKED_EXAMPLES =
  /^docs\/adding_a_(?:command\.md: names \S*get_profile|service\.md: names \S*inventory)\S*,/;
const SOURCES = fs.globSync('{apps,libs}/*/src/**/*.ts', { cwd: REPO }).map(read).join('\n');
/** Settings of Node itself. */
const OF_NODE = ['NODE_COMPILE_CACHE'];

const withoutNamesOfOthers = ({ file, text }: Document): Document =>
  file === SEEDS ? { file, text: text.replaceAll(/^\|[^|]*\|/gm, '|') } : { file, text };

/** Settings of the apps (generated from their schemas), of the example game server and of the tools. */
function settings(): string[] {
  const names = [...read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name);
  const prefixes = SERVICES.map(({ prefix }) => prefix.toUpperCase());
  const prefixed = names.flatMap((name) => prefixes.map((prefix) => `${prefix}_${name}`));
  const example = [...read('examples/game-server/src/server_settings.ts').matchAll(/^ {2}([A-Z_]+): z/gm)];
  const tools = [...read('tools/help.mjs').matchAll(/\['([A-Z_]+)=/g)];
  return [...names, ...prefixed, ...[...example, ...tools].map(([, name = '']) => name)];
}

/** Error codes, and constants that a document may speak of because a source declares them. */
function codesAndConstants(): string[] {
  const codes = [...read('docs/errors.md').matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, code = '']) => code);
  const sources = fs.globSync('{apps,libs,examples}/*/src/**/*.ts', { cwd: REPO });
  const declared = sources.flatMap((file) => [
    ...read(file).matchAll(/\bconst ([A-Z][A-Z0-9_]+)\b|^ {2}'?([A-Z][A-Z0-9_]+)'?: [{']/gm),
  ]);
  const refusals = [...read('examples/game-server/src/game/input_gate.ts').matchAll(/\bINPUT_[A-Z_]+/g)].map(
    ([name]) => name,
  );
  return [...codes, ...refusals, ...declared.map(([, constant, key]) => constant ?? key ?? '')];
}

const problemsIn = (problems: (document: Document) => readonly string[]): string[] => documents.flatMap(problems);

test('every relative link of the documents leads to a file and a heading that exist', () => {
  expect(problemsIn((document) => linkProblems(REPO, document))).toEqual([]);
});

test('every path that the documents name exists', () => {
  const problems = documents.map(withoutNamesOfOthers).flatMap((document) => pathProblems(REPO, document));
  expect(problems.filter((problem) => !OF_THE_WORKED_EXAMPLES.test(problem))).toEqual([]);
});

test('every npm script and operator command that the documents name exists', () => {
  expect(problemsIn((document) => scriptProblems(REPO, document))).toEqual([]);
});

test('every npm script, proof and operator command is shown in a document', () => {
  expect(undescribedProblems(REPO, documents)).toEqual([]);
  expect(undescribedProblems(REPO, []).length).toBeGreaterThan(20);
});

test('every metric that the documents name is counted', () => {
  expect(problemsIn((document) => metricProblems(SOURCES, document))).toEqual([]);
});

test('every setting, code and constant that the documents name exists', () => {
  const known = new Set([...settings(), ...codesAndConstants(), ...OF_NODE]);
  expect(known.size).toBeGreaterThan(100);
  const problems = documents.map(withoutNamesOfOthers).flatMap((document) => nameProblems(known, document));
  expect(problems).toEqual([]);
});

test('every decision has a number of its own, the same in its name and its heading', () => {
  const decisions = documents.filter(({ file }) => file.startsWith(DECISIONS));
  expect(decisions.length).toBeGreaterThan(10);
  expect(decisionProblems(decisions)).toEqual([]);
  expect(
    decisionProblems([
      { file: `${DECISIONS}0001-a.md`, text: '# 0001. A' },
      { file: `${DECISIONS}0001-b.md`, text: '# 0002. B' },
    ]),
  ).toEqual([
    `${DECISIONS}0001-b.md: its heading does not begin with 0001`,
    `${DECISIONS}0001-b.md: has the number of ${DECISIONS}0001-a.md`,
  ]);
});

test('a link, path, script, metric or setting that does not exist is named', () => {
  const text =
    'See [x](gone.md), [y](docs/errors.md#nothing), `libs/kernel/src/gone.ts`, `npm run gone`, `npm run warren -- gone`, `warren_gone_total`, `GONE_PORT=1`.';
  const document = { file: 'README.md', text };
  expect(linkProblems(REPO, document)).toHaveLength(2);
  expect(pathProblems(REPO, document)).toEqual(['README.md: names libs/kernel/src/gone.ts, which does not exist']);
  expect(scriptProblems(REPO, document)).toHaveLength(2);
  expect(metricProblems(SOURCES, document)).toEqual(['README.md: names warren_gone_total, which nothing counts']);
  expect(nameProblems(new Set(settings()), document)).toEqual(['README.md: names GONE_PORT, which does not exist']);
});
