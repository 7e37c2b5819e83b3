/**
 * The map of the system: every exchange, queue and binding as plain data, and the functions that derive their names.
 * No run-time imports, so that tools, tests and people can read it alone. How it is used: docs/messaging.md.
 */

export interface ExchangeSpec {
  readonly name: string;
  readonly type: 'topic';
  readonly alternate?: string;
}

interface BindingSpec {
  readonly exchange: string;
  readonly pattern: string;
}

type QueueArguments = Readonly<Record<string, string | number | boolean>>;

export interface QueueSpec {
  readonly name: string;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: QueueArguments;
  readonly bindings: readonly BindingSpec[];
}

/** Applied by the broker to every queue whose name matches; unlike an argument it can be changed at any time. */
export interface PolicySpec {
  readonly name: string;
  readonly pattern: string;
  readonly applyTo: 'queues';
  readonly definition: Readonly<Record<string, number>>;
  readonly priority: number;
}

/** One service on the broker. Its prefix is its broker user and the first word of its queues and routing keys. */
export interface ServiceSpec {
  readonly prefix: string;
  readonly app: string;
  /** Answers RPC on `<p>.rpc`. */
  readonly rpc: boolean;
  /** Works off durable commands on `<p>.commands`. */
  readonly commands: boolean;
  /** Works off commands with a key, in their order, on `<p>.commands.p00` …; not unless told. */
  readonly keyed?: boolean;
  /** Event groups: `<p>.events.<group>` receives these event names. */
  readonly events: Readonly<Record<string, readonly string[]>>;
  /** Services whose commands and RPC it may call. */
  readonly calls: readonly string[];
  /** Publishes must-deliver events for players and game servers. */
  readonly pushes: boolean;
  /** Receives must-deliver events: the gateway alone. */
  readonly delivers: boolean;
}

export const EXCHANGE = {
  rpc: 'warren.rpc',
  commands: 'warren.commands',
  events: 'warren.events',
  push: 'warren.push',
  replies: 'warren.replies',
  deliver: 'warren.deliver',
  dead: 'warren.dead',
  unroutable: 'warren.unroutable',
} as const;

export const DELAY_TIERS = [
  { name: '1s', delayMs: 1_000 },
  { name: '5s', delayMs: 5_000 },
  { name: '30s', delayMs: 30_000 },
  { name: '2m', delayMs: 120_000 },
  { name: '10m', delayMs: 600_000 },
] as const;

export const PUSH_PARTITIONS = 16;
/** Part of every keyed routing key: another number would move keys to other queues while their commands wait. */
export const KEYED_PARTITIONS = 16;
const DELIVERY_LIMIT = 10;
const KEYED_DELIVERY_LIMIT = 20; // whenever a partition changes hands its first messages count as delivered once more
const LETTER_DELIVERY_LIMIT = 1_000_000;
const RPC_MAX_LENGTH = 10_000;
const RPC_QUEUE_EXPIRES_MS = 10_000;
const WORK_MAX_LENGTH = 1_000_000;
const UNROUTABLE_MAX_LENGTH = 100_000;
const NODE_QUEUE_MAX_LENGTH = 10_000;
const NODE_QUEUE_TTL_MS = 30_000;

/** What a line of SERVICES does not say. */
const SILENT = { rpc: false, commands: false, events: {}, calls: [], pushes: false, delivers: false };

export const SERVICES: readonly ServiceSpec[] = [
  { ...SILENT, prefix: 'gateway', app: 'gateway', calls: ['auth', 'allocator', 'coordinator'], delivers: true },
  { ...SILENT, prefix: 'auth', app: 'auth-svc', rpc: true },
  { ...SILENT, prefix: 'allocator', app: 'game-allocator', rpc: true, commands: true, pushes: true },
  {
    ...SILENT,
    prefix: 'coordinator',
    app: 'coordinator',
    rpc: true,
    events: { leases: ['allocator.lease_lost'] },
    calls: ['auth', 'allocator'],
    pushes: true,
  },
];

export const delayExchange = (tier: string): string => `warren.delay.${tier}`;
export const rpcQueue = (prefix: string): string => `${prefix}.rpc`;
export const commandsQueue = (prefix: string): string => `${prefix}.commands`;
const keyedQueue = (prefix: string, partition: number): string => `${prefix}.commands.p${twoDigits(partition)}`;
/** Routing key of a keyed command: `inventory.grant_item.p03`. */
export const keyedKey = (command: string, partition: number): string => `${command}.p${twoDigits(partition)}`;
export const eventsQueue = (prefix: string, group: string): string => `${prefix}.events.${group}`;
export const retryQueue = (prefix: string, tier: string): string => `${prefix}.retry.${tier}`;
export const deadQueue = (prefix: string): string => `${prefix}.dead`;
export const pushQueue = (partition: number): string => `gateway.push.${twoDigits(partition)}`;
export const pushKey = (partition: number): string => `push.${twoDigits(partition)}`;
/** Reply queue and routing key of one process: starts with `rpc.<broker user>.`, which responders check. */
const replyQueue = (user: string, instance: string, epoch: number): string => `rpc.${user}.${instance}.${epoch}`;
/** Queue and routing key of one gateway process, for hints that a player's ring has grown. */
export const nodeQueue = (instance: string, epoch: number): string => `gateway.node.${instance}.${epoch}`;

export const EXCHANGES: readonly ExchangeSpec[] = [
  ...(['rpc', 'commands', 'events', 'push', 'replies'] as const).map(
    (key): ExchangeSpec => ({ name: EXCHANGE[key], type: 'topic' }),
  ),
  ...DELAY_TIERS.map((tier): ExchangeSpec => ({ name: delayExchange(tier.name), type: 'topic' })),
  { name: EXCHANGE.deliver, type: 'topic', alternate: EXCHANGE.unroutable },
  { name: EXCHANGE.dead, type: 'topic', alternate: EXCHANGE.unroutable },
  { name: EXCHANGE.unroutable, type: 'topic' },
];

/** Declared at set-up by the topology user; every other queue belongs to one service, which declares it itself. */
export const UNROUTABLE_QUEUE: QueueSpec = durable('warren.unroutable', [bind(EXCHANGE.unroutable, '#')], {
  'x-queue-type': 'quorum',
  'x-max-length': UNROUTABLE_MAX_LENGTH,
});

/**
 * Looking at a letter delivers it, and RabbitMQ 4 deletes a message of a quorum queue after 20 deliveries unless told
 * otherwise. A policy, because a queue that is there cannot get another argument.
 */
export const POLICIES: readonly PolicySpec[] = [
  {
    name: 'warren-dead-letters',
    pattern: '^([a-z]+\\.dead|warren\\.unroutable)$',
    applyTo: 'queues',
    definition: { 'delivery-limit': LETTER_DELIVERY_LIMIT },
    priority: 0,
  },
];

/** Every queue that one service declares and binds at boot. */
export function queuesOf(service: ServiceSpec): readonly QueueSpec[] {
  const p = service.prefix;
  const groups = Object.entries(service.events);
  const queues: QueueSpec[] = [];
  if (service.rpc) queues.push(rpcQueueSpec(p));
  if (service.commands) queues.push(workQueue(commandsQueue(p), p, [bind(EXCHANGE.commands, `${p}.*`)]));
  if (service.keyed === true) queues.push(...keyedQueues(p));
  for (const [group, names] of groups) {
    queues.push(
      workQueue(
        eventsQueue(p, group),
        p,
        names.map((name) => bind(EXCHANGE.events, name)),
      ),
    );
  }
  if (service.commands || service.keyed === true || groups.length > 0)
    queues.push(...DELAY_TIERS.map((tier) => retryQueueSpec(p, tier)), deadQueueSpec(p));
  if (service.delivers) {
    for (let i = 0; i < PUSH_PARTITIONS; i++) {
      queues.push(workQueue(pushQueue(i), p, [bind(EXCHANGE.push, pushKey(i))], { 'x-single-active-consumer': true }));
    }
    queues.push(deadQueueSpec(p));
  }
  return queues;
}

/** Commands with a key: a partition has one consumer at a time, which does those of a key one after the other. */
export function keyedQueues(prefix: string): readonly QueueSpec[] {
  return Array.from({ length: KEYED_PARTITIONS }, (_, i) =>
    workQueue(keyedQueue(prefix, i), prefix, [bind(EXCHANGE.commands, keyedKey(`${prefix}.*`, i))], {
      'x-single-active-consumer': true,
      'x-delivery-limit': KEYED_DELIVERY_LIMIT,
    }),
  );
}

/** Exclusive queue of one process for the replies to its calls. */
export function replyQueueSpec(user: string, instance: string, epoch: number): QueueSpec {
  const name = replyQueue(user, instance, epoch);
  return exclusive(name, [bind(EXCHANGE.replies, name)], {});
}

/** Exclusive queue of one gateway process. Hints may be lost: a reader of the ring catches up by itself. */
export function nodeQueueSpec(instance: string, epoch: number): QueueSpec {
  const name = nodeQueue(instance, epoch);
  return exclusive(name, [bind(EXCHANGE.push, name)], {
    'x-max-length': NODE_QUEUE_MAX_LENGTH,
    'x-message-ttl': NODE_QUEUE_TTL_MS,
  });
}

export function serviceSpec(prefix: string): ServiceSpec {
  const found = SERVICES.find((service) => service.prefix === prefix);
  if (found === undefined) throw new Error(`rabbitmq_topology.ts has no service "${prefix}": add it to SERVICES`);
  return found;
}

function rpcQueueSpec(prefix: string): QueueSpec {
  return durable(rpcQueue(prefix), [bind(EXCHANGE.rpc, `${prefix}.*`)], {
    'x-queue-type': 'classic',
    'x-max-length': RPC_MAX_LENGTH,
    'x-overflow': 'reject-publish',
    'x-expires': RPC_QUEUE_EXPIRES_MS,
  });
}

/**
 * A queue whose messages must not be lost. The copy that comes back from a delay tier has the routing key of the queue,
 * never of the command, because two event groups of one service may hold the same event.
 */
function workQueue(
  name: string,
  prefix: string,
  bindings: readonly BindingSpec[],
  extra: QueueArguments = {},
): QueueSpec {
  return durable(name, [...bindings, bind(EXCHANGE.deliver, name)], {
    'x-queue-type': 'quorum',
    'x-delivery-limit': DELIVERY_LIMIT,
    'x-dead-letter-exchange': EXCHANGE.dead,
    'x-dead-letter-routing-key': deadQueue(prefix),
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
    'x-max-length': WORK_MAX_LENGTH,
    ...extra,
  });
}

/** Messages wait here and return through `warren.deliver` with their routing key, which is the queue they came from. */
function retryQueueSpec(prefix: string, tier: (typeof DELAY_TIERS)[number]): QueueSpec {
  return durable(retryQueue(prefix, tier.name), [bind(delayExchange(tier.name), `${prefix}.#`)], {
    'x-queue-type': 'quorum',
    'x-message-ttl': tier.delayMs,
    'x-dead-letter-exchange': EXCHANGE.deliver,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
    'x-max-length': WORK_MAX_LENGTH,
  });
}

function deadQueueSpec(prefix: string): QueueSpec {
  return durable(deadQueue(prefix), [bind(EXCHANGE.dead, deadQueue(prefix))], {
    'x-queue-type': 'quorum',
    'x-overflow': 'reject-publish',
    'x-max-length': WORK_MAX_LENGTH,
  });
}

function bind(exchange: string, pattern: string): BindingSpec {
  return { exchange, pattern };
}

function durable(name: string, bindings: readonly BindingSpec[], args: QueueArguments): QueueSpec {
  return { name, durable: true, exclusive: false, autoDelete: false, arguments: args, bindings };
}

function exclusive(name: string, bindings: readonly BindingSpec[], args: QueueArguments): QueueSpec {
  return { name, durable: false, exclusive: true, autoDelete: true, arguments: args, bindings };
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');
