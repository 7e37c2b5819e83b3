import { SETUP_USERS } from './broker_identity.ts';
import { userSpecs } from './permissions.ts';
import { EXCHANGES, POLICIES, type QueueSpec, queuesOf, SERVICES, UNROUTABLE_QUEUE } from './topology.ts';

const HASHING_ALGORITHM = 'rabbit_password_hashing_sha256';

export interface BrokerDefinitionsInput {
  readonly vhost: string;
  /** Stands before every user name where clones share one broker; `''` where they do not. */
  readonly userPrefix: string;
  /** RabbitMQ's salted SHA-256 hash of each password, by service prefix, and for `topology` and `ops`. */
  readonly passwords: Readonly<Record<string, string>>;
}

interface Named {
  readonly user: string;
  readonly vhost: string;
}

/** What RabbitMQ imports (`rabbitmqctl import_definitions`, or the management API). */
export interface BrokerDefinitionsFile {
  readonly vhosts: readonly { readonly name: string }[];
  readonly users: readonly {
    readonly name: string;
    readonly password_hash: string;
    readonly hashing_algorithm: string;
    readonly tags: readonly string[];
  }[];
  readonly permissions: readonly (Named & {
    readonly configure: string;
    readonly write: string;
    readonly read: string;
  })[];
  readonly topic_permissions: readonly (Named & {
    readonly exchange: string;
    readonly write: string;
    readonly read: string;
  })[];
  readonly exchanges: readonly ExchangeDefinition[];
  readonly queues: readonly QueueDefinition[];
  readonly bindings: readonly BindingDefinition[];
  readonly policies: readonly PolicyDefinition[];
}

interface ExchangeDefinition {
  readonly name: string;
  readonly vhost: string;
  readonly type: string;
  readonly durable: boolean;
  readonly auto_delete: boolean;
  readonly internal: boolean;
  readonly arguments: Record<string, unknown>;
}

interface QueueDefinition {
  readonly name: string;
  readonly vhost: string;
  readonly durable: boolean;
  readonly auto_delete: boolean;
  readonly arguments: Record<string, unknown>;
}

interface BindingDefinition {
  readonly source: string;
  readonly vhost: string;
  readonly destination: string;
  readonly destination_type: 'queue';
  readonly routing_key: string;
  readonly arguments: Record<string, unknown>;
}

interface PolicyDefinition {
  readonly name: string;
  readonly vhost: string;
  readonly pattern: string;
  readonly 'apply-to': string;
  readonly definition: Record<string, number>;
  readonly priority: number;
}

/** Every prefix that needs a password: the services and the set-up users. */
export const brokerPrefixes = (): readonly string[] => [...SERVICES.map((service) => service.prefix), ...SETUP_USERS];

/**
 * The set-up of one vhost: users with their rights, exchanges, and the queue for what cannot be routed. Queues of services
 * are missing on purpose: each service declares its own.
 * @throws Error that names the user whose password hash is missing
 */
export function brokerDefinitions(input: BrokerDefinitionsInput): BrokerDefinitionsFile {
  const { vhost, userPrefix } = input;
  const specs = userSpecs(userPrefix);
  return {
    vhosts: [{ name: vhost }],
    users: specs.map((spec) => ({
      name: userPrefix + spec.prefix,
      password_hash: hashOf(input, spec.prefix),
      hashing_algorithm: HASHING_ALGORITHM,
      tags: [],
    })),
    permissions: specs.map(({ prefix, configure, write, read }) => ({
      user: userPrefix + prefix,
      vhost,
      configure,
      write,
      read,
    })),
    topic_permissions: specs.flatMap((spec) =>
      spec.topics.map((topic) => ({ user: userPrefix + spec.prefix, vhost, ...topic })),
    ),
    exchanges: EXCHANGES.map(({ name, type, alternate }) => ({
      name,
      vhost,
      type,
      durable: true,
      auto_delete: false,
      internal: false,
      arguments: alternate === undefined ? {} : { 'alternate-exchange': alternate },
    })),
    queues: [queueDefinition(vhost, UNROUTABLE_QUEUE)],
    bindings: bindingDefinitions(vhost, UNROUTABLE_QUEUE),
    policies: policiesOf(vhost),
  };
}

/**
 * The same with the queues of every service: all that a vhost holds while every service runs, but for what belongs to one
 * process. @throws Error as `brokerDefinitions`
 */
export function wholeDefinitions(input: BrokerDefinitionsInput): BrokerDefinitionsFile {
  const setUp = brokerDefinitions(input);
  const queues = SERVICES.flatMap(queuesOf);
  return {
    ...setUp,
    queues: [...setUp.queues, ...queues.map((queue) => queueDefinition(input.vhost, queue))],
    bindings: [...setUp.bindings, ...queues.flatMap((queue) => bindingDefinitions(input.vhost, queue))],
  };
}

function queueDefinition(vhost: string, { name, durable, autoDelete, arguments: args }: QueueSpec): QueueDefinition {
  return { name, vhost, durable, auto_delete: autoDelete, arguments: { ...args } };
}

function bindingDefinitions(vhost: string, { name, bindings }: QueueSpec): BindingDefinition[] {
  return bindings.map(({ exchange, pattern }) => ({
    source: exchange,
    vhost,
    destination: name,
    destination_type: 'queue',
    routing_key: pattern,
    arguments: {},
  }));
}

function policiesOf(vhost: string): PolicyDefinition[] {
  return POLICIES.map(({ name, pattern, applyTo, definition, priority }) => ({
    name,
    vhost,
    pattern,
    'apply-to': applyTo,
    definition: { ...definition },
    priority,
  }));
}

function hashOf(input: BrokerDefinitionsInput, prefix: string): string {
  const hash = input.passwords[prefix];
  if (hash === undefined || hash === '') throw new Error(`no password hash is given for broker user "${prefix}"`);
  return hash;
}
