import { type ESTree, parseSync } from 'vite';
import { ToolError } from '../tool_error.ts';

type Node = ESTree.Node;
type Arrow = ESTree.ArrowFunctionExpression;

/** One TypeScript file as text and tree. Offsets of the tree are offsets of the text. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly program: ESTree.Program;
}

/** A `const` at the top level of a file. `init` is what it is set to, without `as const` and `satisfies`. */
export interface Constant {
  readonly name: string;
  readonly init: ESTree.Expression;
  readonly start: number;
  readonly end: number;
}

/** @throws ToolError for text that does not parse */
export function parse(file: string, text: string): Source {
  const { program, errors } = parseSync(file, text);
  const [first] = errors;
  if (first !== undefined) throw new ToolError(`${file} does not parse: ${first.message}`);
  return { file, text, program };
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value;

/** A node and all that is below it, outer ones first. */
export function* nodesBelow(node: Node): Generator<Node> {
  yield node;
  for (const value of Object.values<unknown>({ ...node })) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* nodesBelow(child);
  }
}

const unwrapped = (node: ESTree.Expression): ESTree.Expression =>
  node.type === 'TSAsExpression' || node.type === 'TSSatisfiesExpression' ? unwrapped(node.expression) : node;

export function constantsOf({ program }: Source): Constant[] {
  return program.body.flatMap((statement) => {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declared?.type !== 'VariableDeclaration') return [];
    const { start, end } = statement;
    return declared.declarations.flatMap(({ id, init }) =>
      id.type === 'Identifier' && init !== null ? [{ name: id.name, init: unwrapped(init), start, end }] : [],
    );
  });
}

/** Names that a file exports with a declaration: constants, functions, classes and types. */
export function exportsOf({ program }: Source): string[] {
  return program.body.flatMap((statement) => {
    if (statement.type !== 'ExportNamedDeclaration' || statement.declaration === null) return [];
    const { declaration } = statement;
    if (declaration.type === 'VariableDeclaration')
      return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
    return 'id' in declaration && declaration.id !== null && 'name' in declaration.id ? [declaration.id.name] : [];
  });
}

export const isCallOf = (node: Node, callee: string): node is ESTree.CallExpression =>
  node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === callee;

/** The value of a property of an object literal. */
export function propertyOf(object: ESTree.Expression, name: string): ESTree.Expression | undefined {
  if (object.type !== 'ObjectExpression') return undefined;
  for (const property of object.properties) {
    if (property.type === 'Property' && keyOf(property) === name) return unwrapped(property.value);
  }
  return undefined;
}

export function keyOf({ key }: ESTree.ObjectProperty): string {
  if (key.type === 'Identifier') return key.name;
  return key.type === 'Literal' && typeof key.value === 'string' ? key.value : '';
}

/** A call of `register` on a container: its token as written, and the class that it makes. */
export interface Registration {
  readonly token: string;
  readonly makes: string;
  readonly makesHandler: boolean;
  readonly end: number;
}

/** Every `….register(TOKEN, (from) => …)` of a file, in its order. */
export function registrationsOf({ text, program }: Source): Registration[] {
  const found = [...nodesBelow(program)].flatMap((node) => {
    if (node.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return [];
    const [token, factory] = node.arguments;
    const { property } = node.callee;
    if (property.type !== 'Identifier' || property.name !== 'register' || token === undefined) return [];
    if (factory?.type !== 'ArrowFunctionExpression') return [];
    const makes = classMadeBy(factory);
    return [
      { token: text.slice(token.start, token.end), makes, makesHandler: makes.endsWith('Handler'), end: node.end },
    ];
  });
  return found.sort((a, b) => a.end - b.end);
}

/** The outermost class of which a factory makes an instance. */
function classMadeBy(factory: Arrow): string {
  const made = [...nodesBelow(factory)].flatMap((node) =>
    node.type === 'NewExpression' && node.callee.type === 'Identifier' ? [node.callee.name] : [],
  );
  return made[0] ?? '';
}

/** The class of this name that a file declares. */
export function classOf({ program }: Source, name: string): ESTree.Class | undefined {
  for (const node of nodesBelow(program)) {
    if (node.type === 'ClassDeclaration' && node.id?.name === name) return node;
  }
  return undefined;
}

export function methodsOf({ body }: ESTree.Class): string[] {
  return body.body.flatMap((member) =>
    member.type === 'MethodDefinition' && member.key.type === 'Identifier' ? [member.key.name] : [],
  );
}
