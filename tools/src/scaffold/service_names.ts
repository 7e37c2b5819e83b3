import type { ServiceSpec } from '@warren/rabbit';
import { ToolError } from '../tool_error.ts';
import type { Draft } from './draft.ts';
import type { ServiceLayout } from './service_layout.ts';
import { capital } from './words.ts';

const PREFIX = /^[a-z]{2,24}$/;
/** Broker users, database roles, containers and processes that are there already. */
const TAKEN = [
  'ops',
  'owner',
  'postgres',
  'rabbitmq',
  'redis',
  'service',
  'setup',
  'test',
  'tools',
  'topology',
  'warren',
];

/** Everything that a service of this name is called. */
export interface ServiceNames extends ServiceLayout {
  /** `Inventory`. */
  readonly pascal: string;
  /** `INVENTORY`. */
  readonly upper: string;
  /** Folder of the app without `apps/`: `inventory-svc`. */
  readonly appName: string;
}

/** @throws ToolError with one sentence for a name that is wrong or taken */
export function serviceNames(draft: Draft, prefix: string, services: readonly ServiceSpec[]): ServiceNames {
  if (!PREFIX.test(prefix))
    throw new ToolError(`"${prefix}" is no name of a service: use 2 to 24 lower-case letters, such as inventory.`);
  const appName = `${prefix}-svc`;
  const [app, domain] = [`apps/${appName}`, `libs/${prefix}`];
  if (services.some((service) => service.prefix === prefix || service.app === appName))
    throw new ToolError(`rabbitmq_topology.ts has a service ${prefix} already.`);
  const folder = [app, domain, `libs/contracts/src/${prefix}`].find((path) => draft.list(path).length > 0);
  if (folder !== undefined) throw new ToolError(`${folder} is there already: choose another name.`);
  if (TAKEN.includes(prefix))
    throw new ToolError(`${prefix} is a name that the system uses itself: choose another one.`);
  const setting = settingsIn(draft).find((name) => name.startsWith(`${prefix.toUpperCase()}_`));
  if (setting !== undefined)
    throw new ToolError(`The setting ${setting} would be taken for one of ${prefix} alone: choose another name.`);
  return { ...layoutOf(prefix, app, domain), pascal: capital(prefix), upper: prefix.toUpperCase(), appName };
}

function layoutOf(prefix: string, app: string, domain: string): ServiceLayout {
  return {
    prefix,
    app,
    domain,
    contracts: `libs/contracts/src/${prefix}/${prefix}_contracts.ts`,
    contractErrors: `libs/contracts/src/${prefix}/${prefix}_errors.ts`,
    registry: `${app}/src/${prefix}_config.ts`,
    container: `${domain}/src/${prefix}_container.ts`,
    errors: `${domain}/src/${prefix}_errors.ts`,
    migrations: `${domain}/src/migrations/${prefix}_migrations.ts`,
    tokens: prefix.toUpperCase(),
    service: `${prefix}Service`,
  };
}

/** Names of the settings that there are: a service reads `<PREFIX>_<NAME>` as its own. */
const settingsIn = (draft: Draft): string[] =>
  [...draft.read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name);
