import { ToolError } from '../tool_error.ts';
import type { CommandSpec } from './command_spec.ts';
import type { Draft } from './draft.ts';
import { addImport, appendItem, insertAt, required, valueNamed } from './insertions.ts';
import type { ServiceLayout } from './service_layout.ts';
import { type Constant, constantsOf, exportsOf, isCallOf, keyOf, parse, type Source } from './syntax.ts';
import {
  contractSource,
  dtoName,
  errorsOf,
  fieldImports,
  replyName,
  replySource,
} from './templates/contract_template.ts';

const CONTRACTS_FOLDER = 'libs/contracts/src';

/** Drafts the contract of a command, its line in the list of its service, and the rows of its errors. */
export function addContract(draft: Draft, layout: ServiceLayout, spec: CommandSpec): void {
  const isNewNoun = !exportsOf(sourceOf(draft, layout.contracts)).includes(replyName(spec));
  checkFree(draft, [spec.command.upper, dtoName(spec), ...(isNewNoun ? [replyName(spec)] : [])]);
  addErrorRows(draft, layout, spec);
  draft.change(layout.contracts, (text) => {
    const source = parse(layout.contracts, text);
    const list = listOf(source);
    const contract = (isNewNoun ? replySource(spec) : '') + contractSource(spec, pickOf(source));
    const withLine = appendItem(source, list.init, spec.command.upper);
    const withContract = insertAt(withLine, list.start, contract);
    const withZod = addImport(layout.contracts, withContract, '../contract.ts', [valueNamed('defineContract')]);
    return addImport(layout.contracts, withZod, '../fields.ts', fieldImports(spec, isNewNoun).map(valueNamed));
  });
}

const sourceOf = (draft: Draft, file: string): Source => parse(file, draft.read(file));

/** `AUTH_CONTRACTS` of a file: the list that holds contracts. */
function listOf(source: Source): Constant {
  const list = constantsOf(source).find(
    ({ name, init }) => name.endsWith('_CONTRACTS') && init.type === 'ArrayExpression',
  );
  return required(list, 'list *_CONTRACTS', source.file);
}

/** The function that picks errors from the table of the service. */
function pickOf(source: Source): string {
  const pick = constantsOf(source).find(({ init }) => isCallOf(init, 'errorPicker'));
  return required(pick?.name, 'errorPicker(…)', source.file);
}

/** Everything that libs/contracts exports lives in one name space. */
function checkFree(draft: Draft, names: readonly string[]): void {
  for (const file of contractFiles(draft)) {
    const taken = exportsOf(sourceOf(draft, file)).find((name) => names.includes(name));
    if (taken === undefined) continue;
    throw new ToolError(
      `${file} exports ${taken} already, and names are unique in libs/contracts: choose another verb or noun.`,
    );
  }
}

function contractFiles(draft: Draft): string[] {
  const folders = draft.list(CONTRACTS_FOLDER).filter((name) => !name.includes('.'));
  return [CONTRACTS_FOLDER, ...folders.map((name) => `${CONTRACTS_FOLDER}/${name}`)].flatMap((folder) =>
    draft
      .list(folder)
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => `${folder}/${name}`),
  );
}

function addErrorRows(draft: Draft, { contractErrors }: ServiceLayout, spec: CommandSpec): void {
  for (const [code, row] of errorsOf(spec)) {
    draft.change(contractErrors, (text) => {
      const source = parse(contractErrors, text);
      const table = constantsOf(source).find(
        ({ name, init }) => name.endsWith('_ERRORS') && init.type === 'ObjectExpression',
      );
      const { init } = required(table, 'table *_ERRORS', contractErrors);
      const codes =
        init.type === 'ObjectExpression'
          ? init.properties.flatMap((row) => (row.type === 'Property' ? [keyOf(row)] : []))
          : [];
      return codes.includes(code) ? text : appendItem(source, init, `${code}: ${row}`);
    });
  }
}
