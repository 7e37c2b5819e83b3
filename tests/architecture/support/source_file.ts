import fs from 'node:fs';
import path from 'node:path';
import { parseSync } from 'vite';

interface ImportRef {
  /** As written: `@warren/kernel`, `../x.ts`, `node:fs`. */
  readonly specifier: string;
  readonly line: number;
}

export interface SourceFile {
  /** From the root, with slashes: `libs/kernel/src/clock.ts`. */
  readonly path: string;
  readonly text: string;
  /** Physical lines. */
  readonly lineCount: number;
  /** Every import, re-export, dynamic import and `import('x').T` in this file. */
  readonly imports: readonly ImportRef[];
  /** Specifiers of `export * from`. */
  readonly stars: readonly ImportRef[];
  readonly hasDefaultExport: boolean;
  /** Text and line of each comment. */
  readonly comments: readonly { readonly text: string; readonly line: number }[];
  /** The text with every comment blanked out; lines stay where they are. */
  readonly code: string;
}

type Parsed = ReturnType<typeof parseSync>;

/**
 * Parses one file with the parser of the bundler, unless `known` has it with the same text.
 * @throws Error when the file is not TypeScript that parses
 */
export function readSource(root: string, file: string, known?: SourceFile): SourceFile {
  const text = fs.readFileSync(path.join(root, file), 'utf8');
  if (known?.text === text) return known;
  const parsed = parseSync(file, text);
  if (parsed.errors.length > 0) throw new Error(`${file} does not parse: ${parsed.errors[0]?.message ?? ''}`);
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  const exports = parsed.module.staticExports.flatMap(({ entries }) => entries);
  const code = withoutComments(text, parsed);
  return {
    path: file,
    text,
    lineCount: text.split('\n').length - (text.endsWith('\n') ? 1 : 0),
    imports: [...staticRefs(parsed), ...calledRefs(text, parsed), ...typeRefs(text, parsed)].map(
      ({ specifier, start }) => ({
        specifier,
        line: lineOf(start),
      }),
    ),
    stars: exports
      .filter((entry) => entry.importName.kind === 'All' || entry.importName.kind === 'AllButDefault')
      .map((entry) => ({ specifier: entry.moduleRequest?.value ?? '', line: lineOf(entry.start) })),
    hasDefaultExport: exports.some((entry) => entry.exportName.kind === 'Default'),
    comments: parsed.comments.map((comment) => ({ text: comment.value.trim(), line: lineOf(comment.start) })),
    code,
  };
}

interface Ref {
  readonly specifier: string;
  readonly start: number;
}

function staticRefs({ module }: Parsed): Ref[] {
  const imports = module.staticImports.map((entry) => ({ specifier: entry.moduleRequest.value, start: entry.start }));
  const exports = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, start }) => (moduleRequest ? [{ specifier: moduleRequest.value, start }] : [])),
  );
  return [...imports, ...exports];
}

/** `import('x')` as a call. A computed specifier has no name to judge. */
function calledRefs(text: string, { module }: Parsed): Ref[] {
  return module.dynamicImports.flatMap(({ start, moduleRequest }) => {
    const literal = /^(['"`])([^'"`$]+)\1$/.exec(text.slice(moduleRequest.start, moduleRequest.end));
    return literal?.[2] === undefined ? [] : [{ specifier: literal[2], start }];
  });
}

/** `import('x').T` as a type. Few files have one, so that the tree is walked only where the text may hold it. */
function typeRefs(text: string, { program }: Parsed): Ref[] {
  if (!text.includes('import(')) return [];
  const found: Ref[] = [];
  const open: unknown[] = [program];
  while (open.length > 0) {
    const node = open.pop();
    if (typeof node !== 'object' || node === null) continue;
    if (isTypeImport(node)) found.push({ specifier: node.source.value, start: node.start });
    for (const value of Object.values<unknown>({ ...node })) open.push(value);
  }
  return found;
}

function isTypeImport(node: object): node is { source: { value: string }; start: number } {
  return 'type' in node && node.type === 'TSImportType';
}

function withoutComments(text: string, { comments }: Parsed): string {
  let code = text;
  for (const { start, end } of comments) {
    code = code.slice(0, start) + code.slice(start, end).replace(/[^\n]/g, ' ') + code.slice(end);
  }
  return code;
}
