import type { ESTree } from 'vite';
import type { CommandSpec } from './command_spec.ts';
import type { Draft } from './draft.ts';
import { addImport, appendItem, insertAt, required, valueNamed } from './insertions.ts';
import { domainName, type ServiceLayout } from './service_layout.ts';
import { constantsOf, isCallOf, nodesBelow, parse, propertyOf, registrationsOf, type Source } from './syntax.ts';
import { dependencyName, handlerName } from './templates/handler_template.ts';
import { repositoryName } from './templates/repository_template.ts';

export const TOPOLOGY = 'rabbitmq_topology.ts';

/** Drafts the token of the handler and the factories of the handler and, where it is new, of the repository. */
export function registerHandler(draft: Draft, layout: ServiceLayout, spec: CommandSpec): void {
  const { container: file, tokens } = layout;
  const edit = (change: (source: Source) => string): void => draft.change(file, (text) => change(parse(file, text)));
  const imported = (name: string, module: string): void =>
    draft.change(file, (text) => addImport(file, text, module, [valueNamed(name)]));
  edit((source) => {
    const line = `${spec.command.camel}: token<${handlerName(spec)}>('${domainName(layout)}.${spec.command.snake}_handler')`;
    return appendItem(source, constantNamed(source, tokens), line);
  });
  const repository = repositoryToken(draft, layout, spec);
  edit((source) => {
    const registrations = registrationsOf(source);
    const last = registrations.findLast(({ makesHandler }) => makesHandler) ?? registrations.at(-1);
    const { end } = required(last, 'container.register(…)', file);
    const handler = `.register(${tokens}.${spec.command.camel}, (from) => new ${handlerName(spec)}({ ${dependencyName(spec)}: from.resolve(${repository.token}) }))`;
    return insertAt(source.text, end, repository.factory + handler);
  });
  imported(handlerName(spec), `./handlers/${spec.command.snake}_handler.ts`);
  imported(repositoryName(spec), `./repositories/${spec.noun.snake}_repository.ts`);
}

const constantNamed = (source: Source, name: string): ESTree.Expression | undefined =>
  constantsOf(source).find((constant) => constant.name === name)?.init;

/** The token of the repository as the container writes it, and its factory where there is none yet. */
function repositoryToken(
  draft: Draft,
  layout: ServiceLayout,
  spec: CommandSpec,
): { readonly token: string; readonly factory: string } {
  const file = layout.container;
  const source = parse(file, draft.read(file));
  const known = registrationsOf(source).find(({ makes }) => makes === repositoryName(spec));
  if (known !== undefined) return { token: known.token, factory: '' };
  const { nouns } = spec;
  const value = `token<${repositoryName(spec)}>('${domainName(layout)}.${spec.noun.snake}_repository')`;
  const group = constantsOf(source).find(({ name, init }) => name === 'INTERNAL' && init.type === 'ObjectExpression');
  const token = group === undefined ? nouns.upper : `${group.name}.${nouns.camel}`;
  draft.change(file, (text) =>
    group === undefined
      ? insertAt(text, required(functionStart(source), 'function', file), `const ${token} = ${value};\n\n`)
      : appendItem(source, group.init, `${nouns.camel}: ${value}`),
  );
  return { token, factory: `.register(${token}, () => new ${repositoryName(spec)}())` };
}

/** Offset of the first function of a file, or of the comment above it. */
function functionStart({ text, program }: Source): number | undefined {
  const first = program.body.find((statement) => {
    const declared = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    return declared?.type === 'FunctionDeclaration';
  });
  if (first === undefined) return undefined;
  const before = text.slice(0, first.start);
  const comment = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*$/.exec(before);
  return comment === null ? first.start : comment.index;
}

/** Drafts the line that binds the contract to its handler. */
export function addToRegistry(draft: Draft, layout: ServiceLayout, spec: CommandSpec): void {
  const { registry: file, tokens } = layout;
  draft.change(file, (text) => {
    const source = parse(file, text);
    const call = [...nodesBelow(source.program)].find((node) => isCallOf(node, 'defineRegistry'));
    const argument = call?.type === 'CallExpression' ? call.arguments[0] : undefined;
    const commands = argument?.type === 'ObjectExpression' ? propertyOf(argument, 'commands') : undefined;
    return appendItem(source, commands, `command(${spec.command.upper}, ${tokens}.${spec.command.camel})`);
  });
  const names: readonly (readonly [name: string, module: string])[] = [
    ['command', '@warren/command-center'],
    [spec.command.upper, '@warren/contracts'],
    [tokens, `@warren/${domainName(layout)}`],
  ];
  for (const [name, module] of names) draft.change(file, (text) => addImport(file, text, module, [valueNamed(name)]));
}

/** Drafts what the map of the broker has to know: a queue for durable commands, and who may send. */
export function addToTopology(draft: Draft, { prefix, way, callers }: CommandSpec): void {
  const flag = way === 'command' ? 'commands' : 'rpc';
  editService(draft, prefix, (source, service) => {
    const value = propertyOf(service, flag);
    if (value === undefined) return appendItem(source, service, `${flag}: true`);
    return source.text.slice(0, value.start) + 'true' + source.text.slice(value.end);
  });
  for (const caller of callers.filter((name) => name !== 'ops')) addCall(draft, caller, prefix);
}

/** Lets one service call another. */
export function addCall(draft: Draft, caller: string, prefix: string): void {
  editService(draft, caller, (source, service) => {
    const calls = propertyOf(service, 'calls');
    if (calls === undefined) return appendItem(source, service, `calls: ['${prefix}']`);
    const names = calls?.type === 'ArrayExpression' ? calls.elements : [];
    const has = names.some((name) => name?.type === 'Literal' && name.value === prefix);
    return has ? source.text : appendItem(source, calls, `'${prefix}'`);
  });
}

function editService(
  draft: Draft,
  prefix: string,
  change: (source: Source, service: ESTree.ObjectExpression) => string,
): void {
  draft.change(TOPOLOGY, (text) => {
    const source = parse(TOPOLOGY, text);
    const services = constantNamed(source, 'SERVICES');
    const specs = services?.type === 'ArrayExpression' ? services.elements : [];
    const spec = specs.find((element): element is ESTree.ObjectExpression => {
      const name = element?.type === 'ObjectExpression' ? propertyOf(element, 'prefix') : undefined;
      return name?.type === 'Literal' && name.value === prefix;
    });
    return change(source, required(spec, `service ${prefix} in SERVICES`, TOPOLOGY));
  });
}
