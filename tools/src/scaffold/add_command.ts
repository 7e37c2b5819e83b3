import path from 'node:path';
import { ToolError } from '../tool_error.ts';
import type { CommandSpec } from './command_spec.ts';
import { addContract } from './contract_edits.ts';
import type { Draft } from './draft.ts';
import { addDependencies } from './package_edits.ts';
import { addRepository } from './repository_edits.ts';
import type { ServiceLayout } from './service_layout.ts';
import { handlerSource } from './templates/handler_template.ts';
import { testSource } from './templates/test_template.ts';
import { addToRegistry, addToTopology, registerHandler } from './wiring_edits.ts';

/** Where the parts of a command are, for the person who goes on from here. */
export interface CommandPlaces {
  readonly contract: string;
  readonly handler: string;
  readonly container: string;
  readonly registry: string;
  readonly test: string;
  /** Only for a noun that the service did not know. */
  readonly repository: string | undefined;
}

/** Drafts the five places of a command; for a new noun its table and repository as well. */
export function addCommand(draft: Draft, layout: ServiceLayout, spec: CommandSpec): CommandPlaces {
  const handlers = `${layout.domain}/src/handlers`;
  const places = {
    contract: layout.contracts,
    handler: `${handlers}/${spec.command.snake}_handler.ts`,
    container: layout.container,
    registry: layout.registry,
    test: `${layout.app}/test/${spec.command.snake}.itest.ts`,
  };
  addContract(draft, layout, spec);
  const repository = addRepository(draft, layout, spec);
  draft.create(places.handler, handlerSource(spec, relative(handlers, layout.errors)));
  addErrors(draft, layout);
  registerHandler(draft, layout, spec);
  addToRegistry(draft, layout, spec);
  addToTopology(draft, spec);
  draft.create(places.test, testSource(spec, layout.service));
  addDependencies(draft, layout.app, { dev: ['@warren/kernel', '@warren/service-kit'] });
  return { ...places, repository };
}

const relative = (from: string, to: string): string => path.posix.relative(from, to);

/** Some domains have no file for their refusals yet. */
function addErrors(draft: Draft, { errors, contractErrors }: ServiceLayout): void {
  if (draft.has(errors)) {
    if (/export const raise\b/.test(draft.read(errors))) return;
    throw new ToolError(`${errors} exports no raise: nothing was changed.`);
  }
  const table = /export const (\w+_ERRORS)\b/.exec(draft.read(contractErrors))?.[1];
  if (table === undefined) throw new ToolError(`${contractErrors} exports no table of errors: nothing was changed.`);
  draft.create(
    errors,
    `import { ${table} } from '@warren/contracts';
import { errorFactory } from '@warren/kernel';

/** Every refusal of this domain. */
export const raise = errorFactory(${table});
`,
  );
}
