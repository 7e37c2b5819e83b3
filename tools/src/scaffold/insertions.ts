import type { ESTree } from 'vite';
import { ToolError } from '../tool_error.ts';
import { parse, type Source } from './syntax.ts';

/** `text` with `added` at an offset. */
export const insertAt = (text: string, offset: number, added: string): string =>
  text.slice(0, offset) + added + text.slice(offset);

/** @throws ToolError that says what is missing where */
export function required<T>(found: T | undefined, what: string, file: string): T {
  if (found !== undefined) return found;
  throw new ToolError(`${file} has no ${what} where this tool could add a line: nothing was changed.`);
}

interface List {
  readonly end: number;
  readonly items: readonly ({ readonly end: number } | null)[];
}

/** Adds an element to an array, or a property to an object, behind the last one. */
export function appendItem(source: Source, node: ESTree.Expression | undefined, added: string): string {
  const { items, end } = listOf(source, node);
  const close = end - 1;
  const last = items.at(-1);
  const rest = source.text.slice(last?.end ?? close, close).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const comma = last === undefined || last === null || rest.includes(',') ? '' : ',';
  // A list that was empty opens up; one that has lines ends with a line break already.
  return insertAt(source.text, close, `${last === undefined ? '\n' : comma}${added},\n`);
}

function listOf({ file }: Source, node: ESTree.Expression | undefined): List {
  if (node?.type === 'ArrayExpression') return { end: node.end, items: node.elements };
  if (node?.type === 'ObjectExpression') return { end: node.end, items: node.properties };
  throw new ToolError(`${file} has no list where this tool could add a line: nothing was changed.`);
}

/** A name to import; `type` when only the compiler needs it. */
export interface ImportedName {
  readonly name: string;
  readonly type: boolean;
}

export const valueNamed = (name: string): ImportedName => ({ name, type: false });
export const typeNamed = (name: string): ImportedName => ({ name, type: true });

/** Adds names to the import of a module, or the import itself. Names that are imported already stay as they are. */
export function addImport(file: string, text: string, module: string, names: readonly ImportedName[]): string {
  const { program } = parse(file, text);
  const imports = program.body.filter((statement) => statement.type === 'ImportDeclaration');
  const known = imports.find(({ source, specifiers }) => source.value === module && specifiers.every(isNamed));
  const present = new Set(known?.specifiers.map(({ local }) => local.name));
  const missing = names.filter(({ name }) => !present.has(name));
  if (missing.length === 0) return text;
  if (known !== undefined) return widened(text, known, missing);
  return insertAt(text, imports[0]?.start ?? 0, importSource(module, missing));
}

/** An import of these names, as one line. */
export function importSource(module: string, names: readonly ImportedName[]): string {
  const types = names.every(({ type }) => type);
  const list = names.map((one) => (types ? one.name : written(one))).join(', ');
  return `import ${types ? 'type ' : ''}{ ${list} } from '${module}';\n`;
}

const isNamed = ({ type }: ESTree.ImportDeclarationSpecifier): boolean => type === 'ImportSpecifier';
const written = ({ name, type }: ImportedName): string => (type ? `type ${name}` : name);

function widened(text: string, known: ESTree.ImportDeclaration, missing: readonly ImportedName[]): string {
  const stays = known.importKind === 'type' && missing.every(({ type }) => type);
  const before = known.specifiers.map(({ start, end }) => {
    const specifier = text.slice(start, end);
    return known.importKind === 'type' && !stays ? `type ${specifier}` : specifier;
  });
  const all = [...before, ...missing.map((one) => (stays ? one.name : written(one)))];
  const head = stays ? 'import type' : 'import';
  const line = `${head} { ${all.join(', ')} } from '${known.source.value}';`;
  return text.slice(0, known.start) + line + text.slice(known.end);
}
