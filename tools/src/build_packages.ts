import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import YAML from 'yaml';
import * as z from 'zod';
import { type Bundle, bundle } from './packages/bundle.ts';
import { collectDeclarations, type DeclarationSet, emitDeclarations } from './packages/declarations.ts';

/**
 * Builds the packages that leave this workspace, as plain JavaScript and declarations, to `.warren/packages/<name>` with a
 * tarball beside it. `--check` builds to a temporary folder and only says whether it can be done; `--out <folder>` builds
 * elsewhere.
 */

interface Published {
  /** Folder below libs. */
  readonly lib: string;
  readonly description: string;
  /** What it may need where it is installed. */
  readonly dependencies: readonly string[];
  /** Node's own modules; none for what runs in a browser. */
  readonly builtins: RegExp | undefined;
}

const PACKAGES: readonly Published[] = [
  {
    lib: 'client',
    description: 'The player side of Warren: accounts, matchmaking and events, in browsers and Node.',
    dependencies: ['zod'],
    builtins: undefined,
  },
  {
    lib: 'game-server-sdk',
    description: 'The game server side of Warren: games come in, players are admitted, results go out.',
    dependencies: ['jsonwebtoken', 'zod'],
    builtins: /^node:(crypto|os|perf_hooks|timers\/promises)$/,
  },
];

/** What they are made of. */
const LIBS = ['contracts', 'kernel', 'tokens', 'wire', ...PACKAGES.map(({ lib }) => lib)];

const NODE_GLOBALS = /\b(?:process|Buffer|require|__dirname|setImmediate)\s*[.([]/;
const Manifest = z.object({ name: z.string(), version: z.string(), license: z.string().optional() });
const Catalog = z.object({ catalog: z.record(z.string(), z.string()) });
const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, '..', '..');

async function readManifest(folder: string): Promise<z.output<typeof Manifest>> {
  return Manifest.parse(JSON.parse(await fs.readFile(path.join(root, folder, 'package.json'), 'utf8')));
}

/** What a package must not need, in sentences. */
function faultsOf(published: Published, code: Bundle, types: DeclarationSet): string[] {
  const { lib, dependencies, builtins } = published;
  const allowed = (name: string): boolean => dependencies.includes(name) || builtins?.test(name) === true;
  const strangers = code.imports.filter((name) => !allowed(name));
  const strangeTypes = types.imports.filter((name) => !dependencies.includes(name));
  const nodeOnly = builtins === undefined ? NODE_GLOBALS.exec(code.code)?.[0] : undefined;
  return [
    ...strangers.map((name) => `the code of ${lib} imports ${name}`),
    ...strangeTypes.map((name) => `the types of ${lib} need ${name}`),
    ...(nodeOnly === undefined ? [] : [`the code of ${lib} uses ${nodeOnly}…, which a browser does not have`]),
  ];
}

async function manifestOf(published: Published, code: Bundle, types: DeclarationSet): Promise<object> {
  const [{ name, version }, { license }] = await Promise.all([
    readManifest(`libs/${published.lib}`),
    readManifest('.'),
  ]);
  const { catalog } = Catalog.parse(YAML.parse(await fs.readFile(path.join(root, 'pnpm-workspace.yaml'), 'utf8')));
  const needed = [...new Set([...code.imports, ...types.imports])].filter((each) => !each.startsWith('node:')).sort();
  const dependencies = Object.fromEntries(needed.map((each) => [each, `^${catalog[each] ?? ''}`]));
  const entry = { types: `./types/${types.entry}`, default: './index.js' };
  return {
    name,
    version,
    description: published.description,
    license,
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20' },
    exports: { '.': entry, './package.json': './package.json' },
    types: entry.types,
    dependencies,
  };
}

async function write(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  await fs.rm(folder, { recursive: true, force: true });
  for (const [name, text] of files) {
    await fs.mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await fs.writeFile(path.join(folder, name), text);
  }
}

async function buildOne(published: Published, emitted: string, out: string): Promise<string> {
  const { lib } = published;
  const entry = `libs/${lib}/src/index.ts`;
  const [code, types] = await Promise.all([bundle(root, entry), collectDeclarations(emitted, entry)]);
  const faults = faultsOf(published, code, types);
  if (faults.length > 0) throw new Error(`${lib} cannot be published: ${faults.join('; ')}`);
  const manifest = await manifestOf(published, code, types);
  const folder = path.join(out, lib);
  const files = new Map([
    ['package.json', `${JSON.stringify(manifest, undefined, 2)}\n`],
    ['README.md', await fs.readFile(path.join(root, 'libs', lib, 'README.md'), 'utf8')],
    ['LICENSE', await fs.readFile(path.join(root, 'LICENSE'), 'utf8')],
    ['index.js', code.code],
  ]);
  for (const [name, text] of types.files) files.set(`types/${name}`, text);
  await write(folder, files);
  const { stdout } = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', out], {
    cwd: folder,
  });
  return path.join(out, stdout.trim().split('\n').at(-1) ?? '');
}

async function buildAll(out: string): Promise<void> {
  await fs.mkdir(out, { recursive: true });
  const emitted = await fs.mkdtemp(path.join(os.tmpdir(), 'warren-declarations-'));
  try {
    await emitDeclarations(root, LIBS, emitted);
    for (const published of PACKAGES) process.stdout.write(`${await buildOne(published, emitted, out)}\n`);
  } finally {
    await fs.rm(emitted, { recursive: true, force: true });
  }
}

async function main([first, second]: readonly string[]): Promise<void> {
  if (first === undefined) return buildAll(path.join(root, '.warren', 'packages'));
  if (first === '--out' && second !== undefined) return buildAll(path.resolve(second));
  if (first !== '--check') throw new Error('use: node tools/src/build_packages.ts [--check | --out <folder>]');
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'warren-packages-'));
  try {
    await buildAll(folder);
  } finally {
    await fs.rm(folder, { recursive: true, force: true });
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const output = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  process.stderr.write(`packages: ${error instanceof Error ? error.message : String(error)}\n${output}`);
  process.exitCode = 1;
}
