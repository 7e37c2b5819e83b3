import type { ServiceSpec } from '@warren/rabbit';
import { addToCompose } from './compose_edits.ts';
import type { Draft } from './draft.ts';
import { addImport, appendItem, required, valueNamed } from './insertions.ts';
import { addDependencies, lockPackage } from './package_edits.ts';
import type { ServiceNames } from './service_names.ts';
import { constantsOf, parse } from './syntax.ts';
import { appFiles } from './templates/app_template.ts';
import { domainFiles } from './templates/domain_template.ts';
import { addCall, TOPOLOGY } from './wiring_edits.ts';

const CONTRACTS = 'libs/contracts/src';
const SCHEMAS = 'tools/src/setup/schemas.ts';
const GATEWAY = 'gateway';

/**
 * Drafts a service without commands: app, domain lib, contracts, and its line in each list that names every service. A service
 * is not complete without a command: see addCommand.
 */
export function addService(draft: Draft, names: ServiceNames, services: readonly ServiceSpec[]): void {
  for (const [file, text] of Object.entries({ ...domainFiles(names), ...appFiles(names) })) draft.create(file, text);
  addToTopology(draft, names);
  addToContracts(draft, names);
  addToSchemas(draft, names);
  addToCompose(draft, names, services.length);
  for (const folder of [names.domain, names.app]) lockPackage(draft, folder);
}

function addToTopology(draft: Draft, { prefix, appName }: ServiceNames): void {
  appendTo(draft, TOPOLOGY, 'SERVICES', `{ ...SILENT, prefix: '${prefix}', app: '${appName}', rpc: true }`);
  addCall(draft, GATEWAY, prefix);
}

function addToContracts(draft: Draft, { prefix, pascal, upper }: ServiceNames): void {
  const list = `${CONTRACTS}/contracts.ts`;
  const [contracts, errors] = [`${upper}_CONTRACTS`, `${upper}_ERRORS`];
  appendTo(
    draft,
    list,
    'SERVICE_CONTRACTS',
    `{ prefix: '${prefix}', title: '${pascal}', contracts: ${contracts}, events: [], errors: ${errors} }`,
  );
  const files = { [contracts]: `${prefix}_contracts.ts`, [errors]: `${prefix}_errors.ts` };
  for (const [name, file] of Object.entries(files)) {
    draft.change(list, (text) => addImport(list, text, `./${prefix}/${file}`, [valueNamed(name)]));
    draft.change(`${CONTRACTS}/index.ts`, (text) => `${text.trimEnd()}\nexport * from './${prefix}/${file}';\n`);
  }
}

function addToSchemas(draft: Draft, { prefix, domain }: ServiceNames): void {
  const migrations = `${prefix}Migrations`;
  const lib = domain.replace(/^libs\//, '@warren/');
  appendTo(draft, SCHEMAS, 'SCHEMAS', `{ prefix: '${prefix}', set: ${migrations} }`);
  draft.change(SCHEMAS, (text) => addImport(SCHEMAS, text, lib, [valueNamed(migrations)]));
  addDependencies(draft, 'tools', { run: [lib] });
}

function appendTo(draft: Draft, file: string, list: string, line: string): void {
  draft.change(file, (text) => {
    const source = parse(file, text);
    const constant = constantsOf(source).find(({ name }) => name === list);
    return appendItem(source, required(constant, list, file).init, line);
  });
}
