import path from 'node:path';
import type { SourceFile } from '../support/source_file.ts';
import { allSources, type Workspace } from '../support/workspace.ts';
import { isTest } from './layers.ts';

export const MAX_LINES = 300;
export const MAX_P90_LINES = 150;
const MAX_APP_LINES = 150;
const MAX_GATEWAY_LINES = 400;

/** The one file that may be reached from outside its folder, and the one that may do so. */
const TOPOLOGY = 'rabbitmq_topology.ts';
const TOPOLOGY_DOOR = 'libs/rabbit/src/topology.ts';

const SQL = /\bsql`|\b(select\s[^;'"`]*\sfrom|insert\s+into|update\s+[\w".]+\s+set|delete\s+from|create\s+table)\s/i;
const AMQP = /\.(publish|consume|sendToQueue|assertQueue|assertExchange|bindQueue|basicPublish|prefetch)\(/;

/** A relative import stays in its package; only the broker's lib reaches the map of the broker. */
export function relativeImportProblems({ packages, rootSources }: Workspace): string[] {
  const inPackages = packages.flatMap(({ dir, sources }) =>
    sources.flatMap((source) =>
      source.imports.flatMap(({ specifier, line }) => {
        if (!specifier.startsWith('.')) return [];
        const target = path.posix.join(path.posix.dirname(source.path), specifier);
        if (target.startsWith(`${dir}/`) || (source.path === TOPOLOGY_DOOR && target === TOPOLOGY)) return [];
        return [`${source.path}:${line}: relative import of ${specifier} leaves its package ${dir}`];
      }),
    ),
  );
  const map = rootSources.find((source) => source.path === TOPOLOGY);
  const ofMap = map?.imports.map(({ specifier }) => `${TOPOLOGY}: must import nothing, not ${specifier}`) ?? [
    `${TOPOLOGY} is missing`,
  ];
  return [...inPackages, ...ofMap];
}

export interface Sizes {
  readonly files: number;
  readonly max: number;
  readonly largest: string;
  readonly p90: number;
}

/** Physical lines of every source: comments and blank lines count. */
export function sizesOf(sources: readonly SourceFile[]): Sizes {
  const sorted = sources.toSorted((a, b) => a.lineCount - b.lineCount);
  const last = sorted.at(-1);
  const p90 = sorted[Math.ceil(sorted.length * 0.9) - 1]?.lineCount ?? 0;
  return { files: sorted.length, max: last?.lineCount ?? 0, largest: last?.path ?? '', p90 };
}

export function sizeProblems(workspace: Workspace): string[] {
  const sources = allSources(workspace);
  const { p90 } = sizesOf(sources.filter(({ path: file }) => !isTest(file)));
  const long = sources.filter(({ lineCount }) => lineCount > MAX_LINES);
  return [
    ...long.map((source) => `${source.path}: ${source.lineCount} lines, at most ${MAX_LINES}`),
    ...(p90 > MAX_P90_LINES
      ? [`nine of ten files that run must have at most ${MAX_P90_LINES} lines; it is ${p90}`]
      : []),
  ];
}

/** An app is thin: few lines, no SQL, no AMQP call. */
export function appProblems({ packages }: Workspace): string[] {
  return packages
    .filter(({ place }) => place === 'apps')
    .flatMap(({ dir, sources }) => {
      const own = sources.filter((source) => source.path.startsWith(`${dir}/src/`) && !isTest(source.path));
      const lines = own.reduce((sum, { lineCount }) => sum + lineCount, 0);
      const max = dir === 'apps/gateway' ? MAX_GATEWAY_LINES : MAX_APP_LINES;
      return [
        ...(own.some(({ path: file }) => file === `${dir}/src/main.ts`) ? [] : [`${dir}: src/main.ts is missing`]),
        ...(lines > max ? [`${dir}: src has ${lines} lines, at most ${max}: rules belong into its domain lib`] : []),
        ...own.flatMap((source) => [...mentions(source, SQL, 'no SQL'), ...mentions(source, AMQP, 'no AMQP call')]),
      ];
    });
}

function mentions({ path: file, code }: SourceFile, pattern: RegExp, what: string): string[] {
  const found = pattern.exec(code);
  if (found === null) return [];
  return [`${file}:${code.slice(0, found.index).split('\n').length}: an app holds ${what}: ${found[0].trim()}`];
}

/**
 * A lint rule may be muted for one line, by its name and with the reason; never for a file, never all rules. A test may
 * expect a type error, with its reason: that is how a test shows that something does not compile.
 */
export function muteProblems(workspace: Workspace): string[] {
  return allSources(workspace).flatMap(({ path: file, comments }) =>
    comments.flatMap(({ text, line }) => {
      if (isTest(file) && /^@ts-expect-error\W+\w.{9,}$/.test(text)) return [];
      if (/^(eslint-|biome-ignore|prettier-ignore|@ts-)/.test(text))
        return [`${file}:${line}: checks are muted by oxlint-disable-next-line alone`];
      if (!text.startsWith('oxlint-disable')) return [];
      if (/^oxlint-disable-next-line [\w/-]+(, [\w/-]+)* -- \S.{9,}$/.test(text)) return [];
      return [`${file}:${line}: write "oxlint-disable-next-line <rule> -- <reason>"`];
    }),
  );
}

/** Names of files and folders: snake_case files (config files aside), kebab-case packages. */
export function nameProblems(workspace: Workspace): string[] {
  const files = allSources(workspace).filter(
    ({ path: file }) => !/^[a-z0-9]+(_[a-z0-9]+)*(\.(test|itest|config))?\.(ts|mjs)$/.test(path.posix.basename(file)),
  );
  const folders = workspace.packages.filter(({ dir }) => !/^[a-z0-9/]+(-[a-z0-9]+)*$/.test(dir));
  return [
    ...files.map((source) => `${source.path}: file names are snake_case`),
    ...folders.map(({ dir }) => `${dir}: folders of packages are kebab-case`),
  ];
}
