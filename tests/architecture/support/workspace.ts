import fs from 'node:fs';
import path from 'node:path';
import { readSource, type SourceFile } from './source_file.ts';

/** package.json of a package, as far as the walls look at it. */
interface Manifest {
  readonly name: string;
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Package {
  /** Folder from the root: `libs/kernel`. */
  readonly dir: string;
  /** First folder: `libs`. */
  readonly place: string;
  readonly manifest: Manifest;
  readonly sources: readonly SourceFile[];
}

/** The whole repository as data, read once; every rule is a function of it. */
export interface Workspace {
  readonly root: string;
  readonly packages: readonly Package[];
  /** Sources that belong to no package: rabbitmq_topology.ts, vitest.config.ts. */
  readonly rootSources: readonly SourceFile[];
  readonly rootManifest: Manifest;
}

/** Folders of packages, one level deep. */
const PARENTS = ['apps', 'libs', 'examples'];
/** Folders that are one package each. */
const SINGLES = ['tools', 'tests', 'bench'];
const SKIPPED = new Set(['node_modules', '.warren', '.git', 'coverage', 'corpora']);

export const REPO_ROOT = path.resolve(import.meta.dirname, '../../..');

/** Reads all of it; sources that are the same in `before` are not parsed again. */
export function readWorkspace(root: string, before?: Workspace): Workspace {
  const known = new Map(before === undefined ? [] : allSources(before).map((source) => [source.path, source]));
  const read = (file: string): SourceFile => readSource(root, file, known.get(file));
  const dirs = [
    ...PARENTS.flatMap((parent) => foldersOf(path.join(root, parent)).map((name) => `${parent}/${name}`)),
    ...SINGLES,
  ].filter((dir) => fs.existsSync(path.join(root, dir, 'package.json')));
  return {
    root,
    packages: dirs.map((dir) => readPackage(root, dir, read)),
    rootSources: fs.readdirSync(root).filter(isSource).map(read),
    rootManifest: readManifest(root, '.'),
  };
}

/** Every source of the repository. */
export function allSources(workspace: Workspace): SourceFile[] {
  return [...workspace.rootSources, ...workspace.packages.flatMap(({ sources }) => sources)];
}

type Read = (file: string) => SourceFile;

function readPackage(root: string, dir: string, read: Read): Package {
  const [place = ''] = dir.split('/');
  return { dir, place, manifest: readManifest(root, dir), sources: sourcesBelow(root, dir, read) };
}

function readManifest(root: string, dir: string): Manifest {
  return JSON.parse(fs.readFileSync(path.join(root, dir, 'package.json'), 'utf8')) as Manifest;
}

function sourcesBelow(root: string, dir: string, read: Read): SourceFile[] {
  return fs
    .readdirSync(path.join(root, dir), { withFileTypes: true })
    .filter((entry) => !SKIPPED.has(entry.name))
    .flatMap((entry) => {
      const file = `${dir}/${entry.name}`;
      if (entry.isDirectory()) return sourcesBelow(root, file, read);
      return entry.isFile() && isSource(entry.name) ? [read(file)] : [];
    });
}

function foldersOf(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  const entries = fs.readdirSync(dir, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

function isSource(name: string): boolean {
  return /\.(ts|mjs)$/.test(name) && !name.endsWith('.d.ts');
}
