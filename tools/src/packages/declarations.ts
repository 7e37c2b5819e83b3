import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TSC_TIMEOUT_MS = 300_000;
/** `from 'x'`, `import 'x'` and `import("x")`. */
const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\2/g;

/**
 * Writes the declarations of these libs to `out`, laid out as the sources are. Every source is named: what the compiler
 * happens to meet first by way of node_modules it takes for a foreign library, and writes nothing for it.
 */
export async function emitDeclarations(root: string, libs: readonly string[], out: string): Promise<void> {
  const config = path.join(out, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: root,
    outDir: out,
    typeRoots: [path.join(root, 'node_modules', '@types')],
  };
  const content = {
    extends: path.join(root, 'tsconfig.base.json'),
    compilerOptions,
    include: libs.map((lib) => path.join(root, 'libs', lib, 'src', '**', '*.ts')),
    exclude: ['**/*.test.ts', '**/*.itest.ts'],
  };
  await fs.writeFile(config, JSON.stringify(content));
  const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [tsc, '--project', config], { cwd: root, timeout: TSC_TIMEOUT_MS });
}

export interface DeclarationSet {
  /** Path below the package's folder of types → text. */
  readonly files: ReadonlyMap<string, string>;
  /** Path of the entry's declarations among them. */
  readonly entry: string;
  /** Packages that the types come from, sorted. */
  readonly imports: readonly string[];
}

/** Takes what an entry's declarations reach, and nothing else, and makes every reference between them relative. */
export async function collectDeclarations(emitted: string, entry: string): Promise<DeclarationSet> {
  const files = new Map<string, string>();
  const imports = new Set<string>();
  const waiting = [declarationOf(entry)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(placeOf(file))) continue;
    const from = file;
    const text = await fs.readFile(path.join(emitted, from), 'utf8');
    const rewritten = text.replace(SPECIFIER, (_, head: string, quote: string, specifier: string) => {
      const target = targetOf(from, specifier);
      if (target === undefined) imports.add(specifier);
      else waiting.push(target);
      return `${head}${quote}${target === undefined ? specifier : relative(from, target)}${quote}`;
    });
    files.set(placeOf(from), rewritten.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '\n'));
  }
  return { files, entry: placeOf(declarationOf(entry)), imports: [...imports].sort() };
}

const declarationOf = (source: string): string => source.replace(/\.ts$/, '.d.ts');

/** `libs/wire/src/api.d.ts` → `wire/api.d.ts`. */
const placeOf = (file: string): string => file.replace(/^libs\/([^/]+)\/src\//, '$1/');

function targetOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return declarationOf(path.posix.join(path.posix.dirname(from), specifier));
  const lib = /^@warren\/([^/]+)$/.exec(specifier)?.[1];
  return lib === undefined ? undefined : `libs/${lib}/src/index.d.ts`;
}

function relative(from: string, target: string): string {
  const way = path.posix.relative(path.posix.dirname(placeOf(from)), placeOf(target)).replace(/\.d\.ts$/, '.js');
  return way.startsWith('.') ? way : `./${way}`;
}
