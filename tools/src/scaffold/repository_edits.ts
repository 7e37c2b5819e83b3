import { ToolError } from '../tool_error.ts';
import type { CommandSpec } from './command_spec.ts';
import type { Draft } from './draft.ts';
import { addImport, appendItem, insertAt, required, valueNamed } from './insertions.ts';
import type { ServiceLayout } from './service_layout.ts';
import { classOf, constantsOf, keyOf, methodsOf, parse, propertyOf } from './syntax.ts';
import {
  columnsSource,
  limitName,
  limitSource,
  METHODS,
  methodSource,
  migrationSource,
  repositoryName,
  repositorySource,
} from './templates/repository_template.ts';

export const repositoryFile = ({ domain }: ServiceLayout, noun: string): string =>
  `${domain}/src/repositories/${noun}_repository.ts`;

/**
 * Drafts what the command asks of the store: a table and a repository for a new noun, the missing queries for a known one.
 * Resolves to the repository's file when it is new.
 */
export function addRepository(draft: Draft, layout: ServiceLayout, spec: CommandSpec): string | undefined {
  const file = repositoryFile(layout, spec.noun.snake);
  if (draft.has(file)) {
    extend(draft, file, spec);
    return undefined;
  }
  addMigration(draft, layout, spec);
  draft.create(file, repositorySource(spec));
  return file;
}

function extend(draft: Draft, file: string, spec: CommandSpec): void {
  if (!draft.read(file).includes(columnsSource(spec)))
    throw new ToolError(
      `${file} was not made by this tool, which does not know its table: choose another noun, or write the command by hand (docs/adding_a_command.md).`,
    );
  for (const method of METHODS[spec.rule]) {
    draft.change(file, (text) => {
      const found = required(classOf(parse(file, text), repositoryName(spec)), `class ${repositoryName(spec)}`, file);
      if (methodsOf(found).includes(method)) return text;
      return insertAt(text, found.body.end - 1, `\n${methodSource(spec, method)}\n`);
    });
  }
  if (spec.rule === 'add') draft.change(file, (text) => withLimit(file, text, spec));
}

function withLimit(file: string, text: string, spec: CommandSpec): string {
  const constants = constantsOf(parse(file, text));
  if (constants.some(({ name }) => name === limitName(spec))) return text;
  const first = required(constants[0], 'constant', file);
  const limited = insertAt(text, first.start, limitSource(spec));
  return addImport(file, limited, '@warren/kernel', [valueNamed('newId')]);
}

function addMigration(draft: Draft, { migrations: file }: ServiceLayout, spec: CommandSpec): void {
  const table = spec.nouns.snake;
  if (new RegExp(`CREATE TABLE ${table}\\b`).test(draft.read(file)))
    throw new ToolError(
      `${file} makes a table ${table}, which this tool does not know: choose another noun, or write the command by hand (docs/adding_a_command.md).`,
    );
  draft.change(file, (text) => {
    const source = parse(file, text);
    const steps = constantsOf(source)
      .map(({ init }) => propertyOf(init, 'migrations'))
      .find((found) => found !== undefined);
    const names = steps?.type === 'ObjectExpression' ? steps.properties : [];
    const numbers = names.flatMap((step) => (step.type === 'Property' ? [Number(keyOf(step).slice(0, 4))] : []));
    const next = String(Math.max(0, ...numbers) + 1).padStart(4, '0');
    const added = appendItem(source, steps, migrationSource(spec, next));
    return addImport(file, added, '@warren/postgres', [valueNamed('sql')]);
  });
}
