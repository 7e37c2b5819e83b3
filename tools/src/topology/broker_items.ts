import type { ExportedDefinitions } from '@warren/provision';
import type { BrokerDefinitionsFile } from '@warren/rabbit';

export type Part = keyof ExportedDefinitions;

/** What the broker has or should have: a definitions file as far as it is compared. */
export type Definitions = { readonly [P in Part]: readonly Readonly<ExportedDefinitions[P][number]>[] };

/** One thing on a broker. */
export interface BrokerItem {
  readonly part: Part;
  /** With its kind, for people: `queue auth.rpc`. Unique in its vhost. */
  readonly name: string;
  /** All that can differ. */
  readonly facts: Readonly<Record<string, unknown>>;
}

type Describe<P extends Part> = (entry: Definitions[P][number]) => Pick<BrokerItem, 'name' | 'facts'>;

const DESCRIBE: { readonly [P in Part]: Describe<P> } = {
  vhosts: ({ name }) => ({ name: `vhost ${name}`, facts: {} }),
  users: ({ name, tags }) => ({ name: `user ${name}`, facts: { tags: tags.join(',') } }),
  permissions: ({ user, configure, write, read }) => ({
    name: `permissions of ${user}`,
    facts: { configure, write, read },
  }),
  topic_permissions: ({ user, exchange, write, read }) => ({
    name: `topic permissions of ${user} on ${exchange}`,
    facts: { write, read },
  }),
  exchanges: ({ name, type, durable, auto_delete, internal, arguments: args }) => ({
    name: `exchange ${name}`,
    facts: { type, durable, auto_delete, internal, ...args },
  }),
  queues: ({ name, durable, auto_delete, arguments: args }) => ({
    name: `queue ${name}`,
    facts: { durable, auto_delete, ...args },
  }),
  bindings: ({ source, destination, destination_type, routing_key, arguments: args }) => ({
    // also its arguments make it another binding
    name: [`binding ${source} -> ${destination_type} ${destination} by "${routing_key}"`, ...words(args)].join(' '),
    facts: {},
  }),
  policies: ({ name, pattern, 'apply-to': applyTo, definition, priority }) => ({
    name: `policy ${name}`,
    facts: { pattern, 'apply-to': applyTo, priority, ...definition },
  }),
};

const words = (facts: BrokerItem['facts']): string[] =>
  Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`);

function describe<P extends Part>(part: P, entries: Definitions[P]): BrokerItem[] {
  const describeOne: Describe<P> = DESCRIBE[part];
  return entries.map((entry) => ({ part, ...describeOne(entry) }));
}

/** Everything in the definitions, by its name. */
export function itemsOf(definitions: Definitions): ReadonlyMap<string, BrokerItem> {
  const items = [
    ...describe('vhosts', definitions.vhosts),
    ...describe('users', definitions.users),
    ...describe('permissions', definitions.permissions),
    ...describe('topic_permissions', definitions.topic_permissions),
    ...describe('exchanges', definitions.exchanges),
    ...describe('queues', definitions.queues),
    ...describe('bindings', definitions.bindings),
    ...describe('policies', definitions.policies),
  ];
  return new Map(items.map((item) => [item.name, item]));
}

/** The entries of these names. */
export function pick(definitions: BrokerDefinitionsFile, names: ReadonlySet<string>): BrokerDefinitionsFile {
  const kept = <P extends Part, E extends Definitions[P][number]>(part: P, entries: readonly E[]): E[] => {
    const describeOne: Describe<P> = DESCRIBE[part];
    return entries.filter((entry) => names.has(describeOne(entry).name));
  };
  return {
    vhosts: kept('vhosts', definitions.vhosts),
    users: kept('users', definitions.users),
    permissions: kept('permissions', definitions.permissions),
    topic_permissions: kept('topic_permissions', definitions.topic_permissions),
    exchanges: kept('exchanges', definitions.exchanges),
    queues: kept('queues', definitions.queues),
    bindings: kept('bindings', definitions.bindings),
    policies: kept('policies', definitions.policies),
  };
}
