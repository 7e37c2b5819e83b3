import type { Clock, Container, Logger } from '@warren/kernel';
import {
  type BrokerIdentity,
  type ConfirmedPublisher,
  commandsQueue,
  eventsQueue,
  type QueueSpec,
  queuesOf,
  type RabbitLink,
  type RpcReplier,
  rpcQueue,
  serviceSpec,
} from '@warren/rabbit';
import type { Metrics } from '@warren/telemetry';
import type { Binding } from '../registry/bindings.ts';
import type { ServiceRegistry } from '../registry/service_registry.ts';
import type { ListenerDeps } from './base_microservice_listener.ts';
import { MessageCopies } from './message_copies.ts';
import { MessageReader } from './message_reader.ts';
import { QueueSource } from './queue_source.ts';
import { RpcEndings } from './rpc_endings.ts';
import { SenderIdentity } from './sender_identity.ts';
import { WorkEndings } from './work_endings.ts';

/** One queue that a service works off. */
export interface ListenerPlan {
  readonly kind: 'rpc' | 'commands' | 'events';
  readonly queue: QueueSpec;
  readonly prefetch: number;
  readonly bindings: readonly Binding[];
}

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
  /** See ListenerDeps. */
  readonly onStuck?: (queue: string) => void;
}

const MIN_RPC_PREFETCH = 32;
const MAX_RPC_PREFETCH = 256;

/** The listeners that a registry needs: one per queue. */
export function planListeners(registry: ServiceRegistry): readonly ListenerPlan[] {
  const { prefix, maxConcurrentTasks } = registry;
  const plans: ListenerPlan[] = [];
  const rpc = registry.commands.filter(({ contract }) => contract.ways.includes('rpc'));
  const commands = registry.commands.filter(({ contract }) => contract.ways.includes('command'));
  if (rpc.length > 0) {
    const prefetch = Math.min(MAX_RPC_PREFETCH, Math.max(MIN_RPC_PREFETCH, 2 * maxConcurrentTasks));
    plans.push({ kind: 'rpc', queue: queueOf(prefix, rpcQueue(prefix)), prefetch, bindings: rpc });
  }
  if (commands.length > 0) {
    plans.push({
      kind: 'commands',
      queue: queueOf(prefix, commandsQueue(prefix)),
      prefetch: maxConcurrentTasks,
      bindings: commands,
    });
  }
  for (const group of new Set(registry.events.map((binding) => binding.group))) {
    const bindings = registry.events.filter((binding) => binding.group === group);
    plans.push({
      kind: 'events',
      queue: queueOf(prefix, eventsQueue(prefix, group)),
      prefetch: maxConcurrentTasks,
      bindings,
    });
  }
  return plans;
}

/** Puts together what the listener of one plan needs. Handlers are resolved here, once. */
export function listenerDeps(plan: ListenerPlan, resources: ListenerResources): ListenerDeps {
  const { registry, container, clock, metrics, user, onStuck } = resources;
  const queue = plan.queue.name;
  const logger = resources.logger.child({ queue });
  const { prefix, maxConcurrentTasks, commandProcessingTimeoutMs } = registry;
  const sender = new SenderIdentity({ prefix, userPrefix: user.userPrefix, singleUser: user.singleUser });
  const copies = new MessageCopies({ publisher: resources.publisher, prefix, sender, clock, logger });
  const endings =
    plan.kind === 'rpc' ? new RpcEndings({ replier: resources.replier, logger }) : new WorkEndings({ copies, queue });
  const processingTimeoutMs = commandProcessingTimeoutMs;
  const reader = new MessageReader({ bindings: plan.bindings, container, clock, logger, sender, processingTimeoutMs });
  return {
    queue,
    maxConcurrentTasks,
    commandProcessingTimeoutMs,
    consume: (onDelivery) => new QueueSource({ ...plan, link: resources.consumeLink, onDelivery, logger, metrics }),
    reader,
    endings,
    killSwitch: plan.kind !== 'rpc',
    clock,
    logger,
    metrics,
    ...(onStuck === undefined ? {} : { onStuck }),
  };
}

function queueOf(prefix: string, name: string): QueueSpec {
  const found = queuesOf(serviceSpec(prefix)).find((queue) => queue.name === name);
  if (found === undefined) throw new Error(`rabbitmq_topology.ts has no queue ${name}`);
  return found;
}
