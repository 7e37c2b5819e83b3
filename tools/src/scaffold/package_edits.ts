import path from 'node:path';
import * as z from 'zod';
import { ToolError } from '../tool_error.ts';
import type { Draft } from './draft.ts';

const LOCK = 'pnpm-lock.yaml';
const Dependencies = z.record(z.string(), z.string()).optional();
const Manifest = z.object({
  dependencies: Dependencies,
  devDependencies: Dependencies,
  peerDependencies: z.never().optional(),
  optionalDependencies: z.never().optional(),
});
type Manifest = z.output<typeof Manifest>;
/** The keys of a manifest, in their order. */
const Ordered = z.record(z.string(), z.unknown());

/** Workspace packages to add; those that the package names already stay where they are. */
export interface Added {
  readonly run?: readonly string[];
  readonly dev?: readonly string[];
}

/** Drafts dependencies on packages of the workspace, in the manifest and in the lock. */
export function addDependencies(draft: Draft, folder: string, { run = [], dev = [] }: Added): void {
  const file = `${folder}/package.json`;
  const ordered = Ordered.parse(JSON.parse(draft.read(file)));
  const manifest = Manifest.parse(ordered);
  const known = { ...manifest.dependencies, ...manifest.devDependencies };
  const missing = (names: readonly string[]): string[] => names.filter((name) => !Object.hasOwn(known, name));
  const [newRun, newDev] = [missing(run), missing(dev)];
  if (newRun.length + newDev.length === 0) return;
  const changed = {
    ...ordered,
    ...(newRun.length === 0 ? {} : { dependencies: withPackages(manifest.dependencies, newRun) }),
    ...(newDev.length === 0 ? {} : { devDependencies: withPackages(manifest.devDependencies, newDev) }),
  };
  draft.change(file, () => `${JSON.stringify(changed, undefined, 2)}\n`);
  lockPackage(draft, folder);
}

function withPackages(before: Manifest['dependencies'], names: readonly string[]): Record<string, string> {
  const all = { ...before, ...Object.fromEntries(names.map((name) => [name, 'workspace:*'])) };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => order(a, b)));
}

/** Code units, as pnpm sorts. */
const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/**
 * Drafts the lock's entry of one package from its manifest. Nothing is resolved, so no registry is needed: versions are those
 * that another package has already.
 */
export function lockPackage(draft: Draft, folder: string): void {
  const manifest = Manifest.parse(JSON.parse(draft.read(`${folder}/package.json`)));
  draft.change(LOCK, (text) => {
    const [, head = '', importers = '', rest = ''] =
      /^([\s\S]*?\nimporters:\n)([\s\S]*?\n)(\npackages:\n[\s\S]*)$/.exec(text) ?? [];
    if (importers === '') throw new ToolError(`${LOCK} is not of the form that this tool knows: nothing was changed.`);
    const entries = new Map(
      importers
        .split(/\n(?= {2}\S)/)
        .filter((entry) => entry.trim() !== '')
        .map((entry) => [keyOf(entry), entry.trim()]),
    );
    entries.set(folder, entryOf(folder, manifest, text));
    const sorted = [...entries].sort(([a], [b]) => order(a, b)).map(([, entry]) => `\n  ${entry}\n`);
    return head + sorted.join('') + rest;
  });
}

/** `apps/auth-svc` of `  apps/auth-svc:` and what follows. */
const keyOf = (entry: string): string => entry.trim().split(':\n')[0] ?? '';

function entryOf(folder: string, manifest: Manifest, lock: string): string {
  const groups = (['dependencies', 'devDependencies'] as const).flatMap((group) => {
    const packages = Object.entries(manifest[group] ?? {}).sort(([a], [b]) => order(a, b));
    if (packages.length === 0) return [];
    return [`    ${group}:`, ...packages.flatMap(([name, specifier]) => packageLines(folder, name, specifier, lock))];
  });
  return [`${folder}:`, ...groups].join('\n');
}

function packageLines(folder: string, name: string, specifier: string, lock: string): string[] {
  const isWorkspace = specifier === 'workspace:*';
  const version = isWorkspace ? `link:${path.posix.relative(folder, folderOf(name))}` : lockedVersion(name, lock);
  const quoted = name.startsWith('@') ? `'${name}'` : name;
  return [
    `      ${quoted}:`,
    `        specifier: ${isWorkspace ? specifier : `'${specifier}'`}`,
    `        version: ${version}`,
  ];
}

const folderOf = (name: string): string =>
  name.startsWith('@warren/example-')
    ? name.replace('@warren/example-', 'examples/')
    : name.replace('@warren/', 'libs/');

function lockedVersion(name: string, lock: string): string {
  const quoted = name.startsWith('@') ? `'${name}'` : name;
  const known = new RegExp(`^ {6}${quoted}:\\n {8}specifier: 'catalog:'\\n {8}version: (.+)$`, 'm').exec(lock)?.[1];
  if (known !== undefined) return known;
  throw new ToolError(`${LOCK} has no version of ${name}: nothing was changed.`);
}
