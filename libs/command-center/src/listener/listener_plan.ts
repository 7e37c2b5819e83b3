import { type Clock, type Container, type Logger, newId, type Rng, systemRng } from '@warren/kernel';
import type { Database } from '@warren/postgres';
import {
  type BrokerIdentity,
  type ConfirmedPublisher,
  commandsQueue,
  eventsQueue,
  keyedQueues,
  type QueueSpec,
  queuesOf,
  type RabbitLink,
  type RpcReplier,
  rpcQueue,
  serviceSpec,
} from '@warren/rabbit';
import type { Metrics } from '@warren/telemetry';
import { BlockedKeys } from '../ordering/blocked_keys.ts';
import { KeyedEndings } from '../ordering/keyed_endings.ts';
import { KeyedSource } from '../ordering/keyed_source.ts';
import { PostgresPartitionStore } from '../ordering/postgres_partition_store.ts';
import type { Binding, CommandBinding } from '../registry/bindings.ts';
import type { ServiceRegistry } from '../registry/service_registry.ts';
import type { ListenerDeps } from './base_microservice_listener.ts';
import type { Endings } from './endings.ts';
import { MessageCopies } from './message_copies.ts';
import { MessageReader } from './message_reader.ts';
import { QueueSource } from './queue_source.ts';
import { RpcEndings } from './rpc_endings.ts';
import { SenderIdentity } from './sender_identity.ts';
import { WorkEndings } from './work_endings.ts';

interface QueuePlan {
  readonly kind: 'rpc' | 'commands' | 'events';
  readonly queue: QueueSpec;
  /** Unsettled messages in our hands at most. */
  readonly prefetch: number;
  readonly bindings: readonly Binding[];
}

/** Commands in sequence: the replicas of a service share its partitions. */
interface KeyedPlan {
  readonly kind: 'keyed';
  readonly queues: readonly QueueSpec[];
  /** Per partition. */
  readonly prefetch: number;
  readonly bindings: readonly Binding[];
}

/** What one listener of a service works off. */
export type ListenerPlan = QueuePlan | KeyedPlan;

/** What the listeners of one process share. */
export interface ListenerResources {
  readonly registry: ServiceRegistry;
  readonly container: Container;
  readonly consumeLink: RabbitLink;
  readonly publisher: ConfirmedPublisher;
  readonly replier: RpcReplier;
  readonly user: BrokerIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Only for commands in sequence: who has which partition, and which keys are blocked. */
  readonly database?: Database | undefined;
  /** Unique per process. */
  readonly instance?: string;
  readonly rng?: Rng;
  /** See ListenerDeps. */
  readonly onStuck?: (queue: string) => void;
}

const MIN_RPC_PREFETCH = 32;
const MAX_RPC_PREFETCH = 256;
/** So many commands of one blocked key hold up its partition; a process that dies makes so many count as redelivered. */
const KEYED_PREFETCH = 32;

const isInSequence = ({ contract }: CommandBinding): boolean => contract.order === 'sequence';

/** The listeners that a registry needs: one per queue, and one for all partitions of commands in sequence. */
export function planListeners(registry: ServiceRegistry): readonly ListenerPlan[] {
  const { prefix, maxConcurrentTasks: prefetch } = registry;
  const plans: ListenerPlan[] = [];
  const rpc = registry.commands.filter(({ contract }) => contract.ways.includes('rpc'));
  const durable = registry.commands.filter(({ contract }) => contract.ways.includes('command'));
  const commands = durable.filter((binding) => !isInSequence(binding));
  const keyed = durable.filter(isInSequence);
  if (rpc.length > 0) {
    const more = Math.min(MAX_RPC_PREFETCH, Math.max(MIN_RPC_PREFETCH, 2 * prefetch));
    plans.push({ kind: 'rpc', queue: queueOf(prefix, rpcQueue(prefix)), prefetch: more, bindings: rpc });
  }
  if (commands.length > 0)
    plans.push({ kind: 'commands', queue: queueOf(prefix, commandsQueue(prefix)), prefetch, bindings: commands });
  if (keyed.length > 0)
    plans.push({ kind: 'keyed', queues: keyedQueues(prefix), prefetch: KEYED_PREFETCH, bindings: keyed });
  for (const group of new Set(registry.events.map((binding) => binding.group))) {
    const bindings = registry.events.filter((binding) => binding.group === group);
    plans.push({ kind: 'events', queue: queueOf(prefix, eventsQueue(prefix, group)), prefetch, bindings });
  }
  return plans;
}

/** Puts together what the listener of one plan needs. Handlers are resolved here, once. */
export function listenerDeps(plan: ListenerPlan, resources: ListenerResources): ListenerDeps {
  const { registry, container, clock, metrics, user, onStuck } = resources;
  const queue = plan.kind === 'keyed' ? `${commandsQueue(registry.prefix)}.keyed` : plan.queue.name;
  const logger = resources.logger.child({ queue });
  const { prefix, maxConcurrentTasks, commandProcessingTimeoutMs } = registry;
  const sender = new SenderIdentity({ prefix, userPrefix: user.userPrefix, singleUser: user.singleUser });
  const processingTimeoutMs = commandProcessingTimeoutMs;
  const reader = new MessageReader({ bindings: plan.bindings, container, clock, logger, sender, processingTimeoutMs });
  return {
    queue,
    maxConcurrentTasks,
    commandProcessingTimeoutMs,
    consume: consumeOf(plan, resources, logger),
    reader,
    endings: endingsOf(plan, { ...resources, logger }, sender),
    killSwitch: plan.kind !== 'rpc',
    clock,
    logger,
    metrics,
    ...(onStuck === undefined ? {} : { onStuck }),
  };
}

function endingsOf(plan: ListenerPlan, resources: ListenerResources, sender: SenderIdentity): Endings {
  const { registry, publisher, replier, clock, logger } = resources;
  if (plan.kind === 'rpc') return new RpcEndings({ replier, logger });
  const copies = new MessageCopies({ publisher, prefix: registry.prefix, sender, clock, logger });
  if (plan.kind !== 'keyed') return new WorkEndings({ copies, queue: plan.queue.name });
  return new KeyedEndings({ copies, blockedKeys: new BlockedKeys({ database: databaseOf(resources) }), logger });
}

function consumeOf(plan: ListenerPlan, resources: ListenerResources, logger: Logger): ListenerDeps['consume'] {
  const { registry, consumeLink: link, clock, metrics, instance = newId(), rng = systemRng } = resources;
  if (plan.kind !== 'keyed') return (onDelivery) => new QueueSource({ ...plan, link, onDelivery, logger, metrics });
  const { maxConcurrentTasks, prefix: name } = registry;
  const store = new PostgresPartitionStore({ database: databaseOf(resources), instance });
  const shared = { link, clock, rng, logger, metrics, instance, store, name, maxConcurrentTasks };
  return (onDelivery) => new KeyedSource({ ...plan, ...shared, onDelivery });
}

function databaseOf({ database, registry }: ListenerResources): Database {
  if (database !== undefined) return database;
  throw new TypeError(`${registry.prefix} has commands in sequence, which need Postgres`);
}

function queueOf(prefix: string, name: string): QueueSpec {
  const found = queuesOf(serviceSpec(prefix)).find((queue) => queue.name === name);
  if (found === undefined) throw new Error(`rabbitmq_topology.ts has no queue ${name}`);
  return found;
}
