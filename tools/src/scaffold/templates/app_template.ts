import type { ServiceNames } from '../service_names.ts';

type Files = Readonly<Record<string, string>>;

/** The app of a new service: it starts and configures, and holds no rule. */
export function appFiles(names: ServiceNames): Files {
  const { app, prefix } = names;
  return {
    [`${app}/package.json`]: manifest(names),
    [`${app}/src/main.ts`]: main(names),
    [`${app}/src/service.ts`]: service(names),
    [`${app}/src/${prefix}_env.ts`]: env(names),
    [names.registry]: registry(names),
    [`${app}/src/${prefix}_listener.ts`]: listener(names),
  };
}

const manifest = ({ appName, prefix }: ServiceNames): string =>
  `${JSON.stringify(
    {
      name: `@warren/${appName}`,
      version: '0.1.0',
      private: true,
      type: 'module',
      dependencies: {
        ...Object.fromEntries(
          ['app', 'command-center', 'contracts', 'kernel', prefix]
            .sort()
            .map((lib) => [`@warren/${lib}`, 'workspace:*']),
        ),
        zod: 'catalog:',
      },
      devDependencies: { '@warren/service-kit': 'workspace:*' },
    },
    undefined,
    2,
  )}\n`;

const main = ({ service: definition }: ServiceNames): string => `import { runService } from '@warren/app';
import { ${definition} } from './service.ts';

await runService(${definition});
`;

const service = ({
  service: definition,
  prefix,
  pascal,
  tokens,
  appName,
}: ServiceNames): string => `import type { ServiceDefinition } from '@warren/app';
import { ${tokens}, ${prefix}Migrations, register${pascal} } from '@warren/${prefix}';
import { ${prefix}Registry } from './${prefix}_config.ts';
import { ${pascal}Env } from './${prefix}_env.ts';
import { ${pascal}Listener } from './${prefix}_listener.ts';

/** Everything that the start of ${appName} needs to know. */
export const ${definition}: ServiceDefinition<typeof ${pascal}Env> = {
  prefix: '${prefix}',
  settings: ${pascal}Env,
  needs: { postgres: true, redis: false },
  registry: ${prefix}Registry,
  migrations: ${prefix}Migrations,
  container: (container) => register${pascal}(container),
  listener: (deps, container) => new ${pascal}Listener(deps, container.resolve(${tokens}.orchestrator)),
};
`;

const env = ({
  pascal,
  appName,
}: ServiceNames): string => `import { BaseSettings, ListenerSettings, PostgresSettings } from '@warren/app';
import * as z from 'zod';

/** Environment of ${appName}. */
export const ${pascal}Env = z.object({
  ...BaseSettings.shape,
  ...PostgresSettings.shape,
  ...ListenerSettings.shape,
});
`;

const registry = ({
  prefix,
  appName,
}: ServiceNames): string => `import { command, defineRegistry } from '@warren/command-center';

const MAX_CONCURRENT_TASKS = 32;
const COMMAND_PROCESSING_TIMEOUT_MS = 15_000;

/** Every command of ${appName} and its handler. */
export const ${prefix}Registry = defineRegistry({
  prefix: '${prefix}',
  maxConcurrentTasks: MAX_CONCURRENT_TASKS,
  commandProcessingTimeoutMs: COMMAND_PROCESSING_TIMEOUT_MS,
  commands: [],
  events: [],
});
`;

const listener = ({ prefix, pascal, appName }: ServiceNames): string => `import {
  BaseMicroserviceListener,
  type CommandContext,
  type ListenerDeps,
  type ValidatedCommand,
} from '@warren/command-center';
import type { ${pascal}Orchestrator } from '@warren/${prefix}';

/** Broker ↔ orchestrator, for each queue of ${appName}. */
export class ${pascal}Listener extends BaseMicroserviceListener {
  readonly #orchestrator: ${pascal}Orchestrator;

  constructor(deps: ListenerDeps, orchestrator: ${pascal}Orchestrator) {
    super(deps);
    this.#orchestrator = orchestrator;
  }

  protected override processSingleCommand(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return this.#orchestrator.execute(command, context);
  }
}
`;
