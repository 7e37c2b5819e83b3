import type { ServiceNames } from '../service_names.ts';

type Files = Readonly<Record<string, string>>;

/** The domain lib of a new service and its part of the contracts, both without a command yet. */
export function domainFiles(names: ServiceNames): Files {
  const { domain, prefix } = names;
  return {
    [`${domain}/package.json`]: manifest(names),
    [`${domain}/src/index.ts`]: door(names),
    [names.container]: container(names),
    [names.errors]: errors(names),
    [names.migrations]: migrations(names),
    [`${domain}/src/orchestrators/${prefix}_orchestrator.ts`]: orchestrator(names),
    [names.contracts]: contracts(names),
    [names.contractErrors]: contractErrors(names),
  };
}

const manifest = ({ prefix }: ServiceNames): string =>
  `${JSON.stringify(
    {
      name: `@warren/${prefix}`,
      version: '0.1.0',
      private: true,
      type: 'module',
      exports: './src/index.ts',
      dependencies: Object.fromEntries(
        ['command-center', 'contracts', 'kernel', 'postgres'].map((lib) => [`@warren/${lib}`, 'workspace:*']),
      ),
    },
    undefined,
    2,
  )}\n`;

const door = ({
  prefix,
  pascal,
  tokens,
}: ServiceNames): string => `export { ${tokens}, register${pascal} } from './${prefix}_container.ts';
export { ${prefix}Migrations } from './migrations/${prefix}_migrations.ts';
export type { ${pascal}Orchestrator } from './orchestrators/${prefix}_orchestrator.ts';
`;

const container = ({
  prefix,
  pascal,
  tokens,
}: ServiceNames): string => `import { RESOURCE } from '@warren/command-center';
import { type Container, token } from '@warren/kernel';
import { ${pascal}Orchestrator } from './orchestrators/${prefix}_orchestrator.ts';

/** What the app takes out of the container. */
export const ${tokens} = {
  orchestrator: token<${pascal}Orchestrator>('${prefix}.orchestrator'),
} as const;

/** Inside of the domain: repositories and services. */
const INTERNAL = {} as const;

/** Registers the domain. Expects RESOURCE.database, unitOfWork and idempotencyKey. */
export function register${pascal}(container: Container): void {
  container.register(
    ${tokens}.orchestrator,
    (from) =>
      new ${pascal}Orchestrator({
        database: from.resolve(RESOURCE.database),
        unitOfWork: from.resolve(RESOURCE.unitOfWork),
        idempotencyKey: from.resolve(RESOURCE.idempotencyKey),
      }),
  );
}
`;

const errors = ({ upper }: ServiceNames): string => `import { ${upper}_ERRORS } from '@warren/contracts';
import { errorFactory } from '@warren/kernel';

/** Every refusal of this domain. */
export const raise = errorFactory(${upper}_ERRORS);
`;

const migrations = ({
  prefix,
}: ServiceNames): string => `import { commandCenterMigrations } from '@warren/command-center';
import { type MigrationSet, sql } from '@warren/postgres';

/** Schema \`${prefix}\`, with the inbox and outbox that every service has. A step that was released is never changed. */
export const ${prefix}Migrations: MigrationSet = {
  schema: '${prefix}',
  migrations: {
    ...commandCenterMigrations,
  },
};
`;

const orchestrator = ({
  pascal,
  appName,
}: ServiceNames): string => `import { CommandOrchestrator } from '@warren/command-center';

/** Unit of work of the commands of ${appName}: inbox, effect and outbox commit together. */
export class ${pascal}Orchestrator extends CommandOrchestrator {}
`;

const contracts = ({ upper, prefix }: ServiceNames): string => `import * as z from 'zod';
import { defineContract } from '../contract.ts';
import { errorPicker } from '../error_picker.ts';
import { ${upper}_ERRORS } from './${prefix}_errors.ts';

const pick = errorPicker(${upper}_ERRORS);

export const ${upper}_CONTRACTS = [] as const;
`;

const contractErrors = ({ upper }: ServiceNames): string => `import type { ContractErrors } from '../contract.ts';

export const ${upper}_ERRORS = {} as const satisfies ContractErrors;
`;
