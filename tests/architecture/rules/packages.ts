import fs from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { Package, Workspace } from '../support/workspace.ts';
import { isTest, packageName } from './layers.ts';

/** Vendor libraries and the packages that alone may use them. A change of vendor then touches one package. */
const OWNERS: readonly (readonly [vendor: RegExp, owners: readonly string[]])[] = [
  [/^amqplib$/, ['libs/rabbit', 'libs/testing', 'bench']],
  [/^(pg|kysely|@types\/pg)$/, ['libs/postgres', 'libs/testing']],
  [/^ioredis$/, ['libs/redis', 'libs/testing']],
  [/^(fastify|fastify-.*|@fastify\/.*|openapi-types)$/, ['libs/http']],
  [/^(jsonwebtoken|@types\/jsonwebtoken)$/, ['libs/tokens']],
  [/^(pino|pino-pretty|tsyringe|reflect-metadata)$/, ['libs/kernel']],
  [/^@node-rs\/argon2$/, ['libs/auth']],
  [/^(@prometheus-io\/client|@opentelemetry\/.*)$/, ['libs/telemetry']],
];

/** Development tools that the root declares for every package. */
const FROM_ROOT = ['vitest'];
/**
 * Runs in a checkout, never in an image: the bundler, its parser, the schemas of documents and the fault lab stay out of
 * what production installs.
 */
const CHECKOUT_ONLY =
  /^tools\/(faultlab\/|prove\/|src\/(build_packages\.ts|generate_\w+\.ts|packages\/|scaffold\/|api\/))/;
const EXPORTS_EXEMPT = ['apps', 'tools', 'tests', 'bench'];
const DOOR = './src/index.ts';
/** Doors for tests, beside the one of production: what stands behind them must not run there. */
const TEST_DOORS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'libs/rabbit': { './memory': './src/memory/index.ts' },
};

export function vendorProblems({ packages }: Workspace): string[] {
  return packages.flatMap((from) =>
    [...declaredAt(from), ...importedAt(from)].flatMap(({ name, at }) => {
      const owners = OWNERS.find(([vendor]) => vendor.test(name))?.[1];
      if (owners === undefined || owners.includes(from.dir)) return [];
      return [`${at}: ${name} belongs to ${owners.join(', ')} and must not be used by ${from.dir}`];
    }),
  );
}

/** What is imported is declared by the package itself; production code does not live on devDependencies. */
export function undeclaredProblems({ packages }: Workspace): string[] {
  return packages.flatMap(({ dir, manifest, sources }) => {
    const runs = new Set(
      Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies }),
    );
    const tests = new Set([...runs, ...Object.keys(manifest.devDependencies ?? {}), ...FROM_ROOT, manifest.name]);
    return sources.flatMap((source) =>
      source.imports.flatMap(({ specifier, line }) => {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) return [];
        const name = packageName(specifier);
        const declared = isTest(source.path) || CHECKOUT_ONLY.test(source.path) ? tests : runs;
        if (declared.has(name) || isTypeOnlyPackage(name, tests)) return [];
        return [`${source.path}:${line}: ${name} is not declared in ${dir}/package.json`];
      }),
    );
  });
}

/** One door: `./src/index.ts`. Examples may have more, each a plain file; apps and tools have none. */
export function doorProblems({ packages }: Workspace): string[] {
  return packages.flatMap(({ dir, place, manifest, sources }) => {
    const at = `${dir}/package.json`;
    if (EXPORTS_EXEMPT.includes(place)) {
      return manifest.exports === undefined ? [] : [`${at}: ${dir} is no library and must not have exports`];
    }
    if (place === 'libs' && !hasItsDoors(dir, manifest.exports)) return [`${at}: exports must be ${doorsOf(dir)}`];
    const paths = [DOOR, ...Object.values(TEST_DOORS[dir] ?? {})].map((door) => path.posix.join(dir, door));
    const doors = sources.filter(({ path: file }) => paths.includes(file));
    return doors.flatMap((door) => [
      ...(door.hasDefaultExport ? [`${door.path}: a door has named exports only`] : []),
      ...door.stars
        .filter(({ specifier }) => !specifier.startsWith('./'))
        .map(({ specifier, line }) => `${door.path}:${line}: a door must not pass on all of ${specifier}`),
    ]);
  });
}

function hasItsDoors(dir: string, exports: unknown): boolean {
  const others = TEST_DOORS[dir];
  return JSON.stringify(exports) === JSON.stringify(others === undefined ? DOOR : { '.': DOOR, ...others });
}

function doorsOf(dir: string): string {
  const others = TEST_DOORS[dir];
  return others === undefined ? `the one door '${DOOR}'` : JSON.stringify({ '.': DOOR, ...others });
}

/** Nothing that runs in production goes through a door for tests, by name or by path. */
export function testDoorProblems({ packages }: Workspace): string[] {
  const behind = Object.entries(TEST_DOORS).flatMap(([dir, doors]) =>
    Object.entries(doors).map(([name, file]) => ({
      specifier: path.posix.join(`@warren/${path.posix.basename(dir)}`, name),
      folder: path.posix.dirname(path.posix.join(dir, file)),
    })),
  );
  const isForTests = (file: string): boolean =>
    isTest(file) || behind.some(({ folder }) => file.startsWith(`${folder}/`));
  return packages.flatMap(({ sources }) =>
    sources
      .filter(({ path: file }) => !isForTests(file))
      .flatMap(({ path: file, imports }) =>
        imports.flatMap(({ specifier, line }) => {
          const target = path.posix.join(path.posix.dirname(file), specifier);
          const isDoor = behind.some((door) => specifier === door.specifier || target.startsWith(`${door.folder}/`));
          return isDoor ? [`${file}:${line}: ${specifier} is for tests only`] : [];
        }),
      ),
  );
}

interface WorkspaceFile {
  readonly catalog: Readonly<Record<string, string>>;
  readonly disallowWorkspaceCycles?: boolean;
  readonly catalogMode?: string;
}

/** Versions stand in the catalog alone, exact; the root, which npm reads too, repeats them. */
export function versionProblems({ root, packages, rootManifest }: Workspace): string[] {
  const file = parse(fs.readFileSync(path.join(root, 'pnpm-workspace.yaml'), 'utf8')) as WorkspaceFile;
  const problems: string[] = [];
  if (file.disallowWorkspaceCycles !== true) problems.push('pnpm-workspace.yaml: disallowWorkspaceCycles must be true');
  if (file.catalogMode !== 'strict') problems.push('pnpm-workspace.yaml: catalogMode must be strict');
  for (const [name, version] of Object.entries(file.catalog)) {
    if (!/^\d+\.\d+\.\d+$/.test(version)) problems.push(`pnpm-workspace.yaml: ${name} ${version} is no exact version`);
  }
  for (const [name, version] of Object.entries({ ...rootManifest.dependencies, ...rootManifest.devDependencies })) {
    if (file.catalog[name] !== version)
      problems.push(`package.json: ${name} ${version} is not the version of the catalog`);
  }
  return [...problems, ...packages.flatMap((from) => specifierProblems(from, file.catalog))];
}

function specifierProblems({ dir, manifest }: Package, catalog: WorkspaceFile['catalog']): string[] {
  const { dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest;
  const all = Object.entries({ ...peerDependencies, ...optionalDependencies, ...devDependencies, ...dependencies });
  return all.flatMap(([name, version]) => {
    const wanted = name.startsWith('@warren/') ? 'workspace:*' : 'catalog:';
    if (version !== wanted) return [`${dir}/package.json: ${name} must be '${wanted}', not '${version}'`];
    return wanted === 'workspace:*' || name in catalog ? [] : [`${dir}/package.json: ${name} is not in the catalog`];
  });
}

/** Cycles between packages, devDependencies included: pnpm refuses them too, but names no path. */
export function packageCycleProblems({ packages }: Workspace): string[] {
  const edges = new Map(
    packages.map(({ manifest }) => [
      manifest.name,
      Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }).filter((name) =>
        name.startsWith('@warren/'),
      ),
    ]),
  );
  const cycles = new Map<string, string>();
  for (const start of edges.keys()) {
    const trail = trailBack(start, edges);
    if (trail !== undefined) cycles.set([...trail].sort().join(), [...trail, start].join(' → '));
  }
  return [...cycles.values()].map((trail) => `packages depend on each other in a circle: ${trail}`);
}

function trailBack(start: string, edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const seen = new Set<string>();
  const open: string[][] = [[start]];
  for (let trail = open.shift(); trail !== undefined; trail = open.shift()) {
    for (const next of edges.get(trail.at(-1) ?? '') ?? []) {
      if (next === start) return trail;
      if (!seen.has(next)) open.push([...trail, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function declaredAt({ dir, manifest }: Package): { name: string; at: string }[] {
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.peerDependencies });
  return names.map((name) => ({ name, at: `${dir}/package.json` }));
}

function importedAt({ sources }: Package): { name: string; at: string }[] {
  return sources.flatMap(({ path: file, imports }) =>
    imports.map(({ specifier, line }) => ({ name: packageName(specifier), at: `${file}:${line}` })),
  );
}

/** `import type … from 'ws'` is served by `@types/ws`, which is a devDependency. */
function isTypeOnlyPackage(name: string, tests: ReadonlySet<string>): boolean {
  return tests.has(`@types/${name}`);
}
