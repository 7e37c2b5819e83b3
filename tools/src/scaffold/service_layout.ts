import type { ServiceSpec } from '@warren/rabbit';
import * as z from 'zod';
import { ToolError } from '../tool_error.ts';
import type { Draft } from './draft.ts';
import { required } from './insertions.ts';
import { constantsOf, isCallOf, parse, propertyOf, type Source } from './syntax.ts';

/** Where the parts of one service are, and what they are called. */
export interface ServiceLayout {
  readonly prefix: string;
  /** Folder of the app: `apps/auth-svc`. */
  readonly app: string;
  /** Folder of the domain: `libs/auth`. */
  readonly domain: string;
  readonly contracts: string;
  readonly contractErrors: string;
  readonly registry: string;
  readonly container: string;
  readonly errors: string;
  readonly migrations: string;
  /** `AUTH_TOKENS`: what the app takes out of the container. */
  readonly tokens: string;
  /** `authService`: the definition in the app's service.ts. */
  readonly service: string;
}

/** `auth` of `libs/auth`: the package without its scope, and the first word of the domain's tokens. */
export const domainName = ({ domain }: Pick<ServiceLayout, 'domain'>): string => domain.slice('libs/'.length);

const Manifest = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

/** @throws ToolError when the service is not laid out as docs/architecture.md says */
export function layoutOf(draft: Draft, { prefix, app, rpc, commands }: ServiceSpec): ServiceLayout {
  const appFolder = `apps/${app}`;
  const registry = `${appFolder}/src/${prefix}_config.ts`;
  if (!rpc && !commands) throw new ToolError(`${prefix} answers no commands: name the service that owns the rule.`);
  const domain = domainOf(draft, appFolder);
  const container = fileIn(draft, `${domain}/src`, '_container.ts');
  const contracts = `libs/contracts/src/${prefix}/${prefix}_contracts.ts`;
  return {
    prefix,
    app: appFolder,
    domain,
    contracts,
    contractErrors: `libs/contracts/src/${prefix}/${prefix}_errors.ts`,
    registry,
    container,
    errors: container.replace(/_container\.ts$/, '_errors.ts'),
    migrations: fileIn(draft, `${domain}/src/migrations`, '_migrations.ts'),
    tokens: tokensOf(parse(container, draft.read(container))),
    service: definitionOf(parse(`${appFolder}/src/service.ts`, draft.read(`${appFolder}/src/service.ts`))),
  };
}

/** The lib that the app is built on and that has a container and tables. */
function domainOf(draft: Draft, app: string): string {
  const { dependencies } = Manifest.parse(JSON.parse(draft.read(`${app}/package.json`)));
  const libs = Object.keys(dependencies).flatMap((name) => /^@warren\/(.+)$/.exec(name)?.[1] ?? []);
  const has = (folder: string, ending: string): boolean => draft.list(folder).some((file) => file.endsWith(ending));
  const domain = libs.find(
    (lib) => has(`libs/${lib}/src`, '_container.ts') && has(`libs/${lib}/src/migrations`, '_migrations.ts'),
  );
  return `libs/${required(domain, 'domain lib with container and migrations among its dependencies', `${app}/package.json`)}`;
}

function fileIn(draft: Draft, folder: string, ending: string): string {
  const name = draft.list(folder).find((file) => file.endsWith(ending));
  return `${folder}/${required(name, `*${ending}`, folder)}`;
}

/** The object of tokens that the app sees: the one that holds the orchestrator. */
function tokensOf(source: Source): string {
  const tokens = constantsOf(source).find(({ init }) => {
    const orchestrator = propertyOf(init, 'orchestrator');
    return orchestrator !== undefined && isCallOf(orchestrator, 'token');
  });
  return required(tokens?.name, 'object of tokens with an orchestrator', source.file);
}

function definitionOf(source: Source): string {
  const definition = constantsOf(source).find(({ init }) => propertyOf(init, 'registry') !== undefined);
  return required(definition?.name, 'ServiceDefinition with a registry', source.file);
}
