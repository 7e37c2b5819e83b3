import type { Contract, EventContract } from '@warren/contracts';
import {
  DELAY_TIERS,
  deadQueue,
  EXCHANGE,
  EXCHANGES,
  nodeQueueSpec,
  PUSH_PARTITIONS,
  pushKey,
  pushQueue,
  type QueueSpec,
  queuesOf,
  replyQueueSpec,
  retryQueue,
  type ServiceSpec,
  UNROUTABLE_QUEUE,
} from '@warren/rabbit';
import type { Json } from '../json.ts';
import type { AsyncApiBuilder } from './asyncapi_builder.ts';

const SERVERS = [{ $ref: '#/servers/broker' }];
const AMQP = '0.3.0';
/** Stands for the number or name that differs from process to process, until it is a parameter of the address. */
const EPOCH = 0;

export const REPLIES_CHANNEL = 'replies';
export const PUSH_CHANNEL = 'push';
export const queueChannel = (queue: string): string => `queue.${queue}`;
export const PUSH_QUEUES_CHANNEL = queueChannel('gateway.push');

/** The channel on which a command, event or durable command is published: an exchange and a routing key. */
export const keyChannel = (way: 'rpc' | 'commands' | 'events', name: string): string => `${way}.${name}`;

function exchangeBinding(exchange: string): Json {
  const type = EXCHANGES.find(({ name }) => name === exchange)?.type ?? 'topic';
  return {
    amqp: {
      is: 'routingKey',
      exchange: { name: exchange, type, durable: true, autoDelete: false },
      bindingVersion: AMQP,
    },
  };
}

function queueBinding(name: string, { durable, exclusive, autoDelete }: QueueSpec): Json {
  return { amqp: { is: 'queue', queue: { name, durable, exclusive, autoDelete }, bindingVersion: AMQP } };
}

/** What AMQP's binding has no word for. */
const queueDetails = (spec: QueueSpec, bindings: readonly Json[] = spec.bindings.map((one) => ({ ...one }))): Json => ({
  type: spec.arguments['x-queue-type'] ?? 'classic',
  arguments: { ...spec.arguments },
  bindings,
});

export function addKeyChannels(
  builder: AsyncApiBuilder,
  contracts: readonly Contract[],
  emitted: readonly EventContract[],
): void {
  const add = (way: 'rpc' | 'commands' | 'events', name: string, description: string): void =>
    builder.channel(keyChannel(way, name), {
      address: name,
      title: name,
      description,
      servers: SERVERS,
      bindings: exchangeBinding(EXCHANGE[way]),
    });
  for (const { name, ways } of contracts) {
    if (ways.includes('rpc')) add('rpc', name, 'Requests that somebody waits for.');
    if (ways.includes('command')) add('commands', name, 'Durable commands; nobody waits.');
  }
  for (const { name } of emitted) add('events', name, 'Events for other services; one without a subscriber is legal.');
  builder.channel(PUSH_CHANNEL, {
    address: 'push.{partition}',
    title: 'push.{partition}',
    description: 'Must-deliver events for players and game servers. The partition is a hash of the recipient.',
    servers: SERVERS,
    parameters: { partition: partitionParameter(pushKey) },
    bindings: exchangeBinding(EXCHANGE.push),
  });
  builder.channel(REPLIES_CHANNEL, {
    address: 'rpc.{user}.{instance}.{epoch}',
    title: 'Replies',
    description:
      'The key is the `replyTo` of the request; a service answers only to keys that begin with `rpc.<userId>.`.',
    servers: SERVERS,
    parameters: PROCESS_PARAMETERS,
    bindings: exchangeBinding(EXCHANGE.replies),
  });
}

const PROCESS_PARAMETERS: Record<string, Json> = {
  user: { description: 'Broker user of the caller.' },
  instance: { description: 'Name of the process.' },
  epoch: { description: 'Counts the connections of the process.' },
};

function partitionParameter(nameOf: (partition: number) => string): Json {
  const all = Array.from({ length: PUSH_PARTITIONS }, (_, partition) => nameOf(partition).slice(-2));
  return { enum: all, description: `One of ${PUSH_PARTITIONS}.` };
}

/** Every queue of the topology, those of one form as one channel with a parameter. */
export function addQueueChannels(builder: AsyncApiBuilder, services: readonly ServiceSpec[]): void {
  for (const service of services) {
    for (const queue of queuesOf(service)) addQueue(builder, service, queue);
  }
  addQueueAt(builder, UNROUTABLE_QUEUE, 'What `warren.deliver` and `warren.dead` could not place.');
  builder.channel(queueChannel('replies'), {
    address: 'rpc.{user}.{instance}.{epoch}',
    title: 'rpc.{user}.{instance}.{epoch}',
    description: 'The exclusive queue of one process for the replies to its calls.',
    servers: SERVERS,
    parameters: PROCESS_PARAMETERS,
    ...exclusiveQueue('rpc.{user}.{instance}.{epoch}', replyQueueSpec('{user}', '{instance}', EPOCH)),
  });
  builder.channel(queueChannel('gateway.node'), {
    address: 'gateway.node.{instance}.{epoch}',
    title: 'gateway.node.{instance}.{epoch}',
    description:
      'The exclusive queue of one gateway, for hints of other gateways that a ring has grown. They may be lost.',
    servers: SERVERS,
    parameters: { instance: PROCESS_PARAMETERS['instance'] ?? {}, epoch: PROCESS_PARAMETERS['epoch'] ?? {} },
    ...exclusiveQueue('gateway.node.{instance}.{epoch}', nodeQueueSpec('{instance}', EPOCH)),
  });
}

function exclusiveQueue(address: string, spec: QueueSpec): { bindings: Json; 'x-queue': Json } {
  const bindings = spec.bindings.map(({ exchange }) => ({ exchange, pattern: address }));
  return { bindings: queueBinding(address, spec), 'x-queue': queueDetails(spec, bindings) };
}

function addQueue(builder: AsyncApiBuilder, { prefix }: ServiceSpec, queue: QueueSpec): void {
  const tier = DELAY_TIERS.find(({ name }) => queue.name === retryQueue(prefix, name));
  if (queue.name === deadQueue(prefix))
    addQueueAt(builder, queue, `Dead letters of ${prefix}; read and replayed by ops.`);
  else if (tier !== undefined) addQueueAt(builder, queue, `Copies that wait ${tier.name} before they are tried again.`);
  else if (queue.name === pushQueue(0)) addPushQueues(builder, queue);
  else if (!isPushQueue(queue.name)) addQueueAt(builder, queue, `Worked off by every replica of ${prefix}.`);
}

const isPushQueue = (name: string): boolean =>
  Array.from({ length: PUSH_PARTITIONS }, (_, partition) => pushQueue(partition)).includes(name);

function addPushQueues(builder: AsyncApiBuilder, first: QueueSpec): void {
  const named = (text: string): string => text.replace(/\b00$/, '{partition}');
  const bindings = first.bindings.map(({ exchange, pattern }) => ({ exchange, pattern: named(pattern) }));
  builder.channel(PUSH_QUEUES_CHANNEL, {
    address: named(first.name),
    title: named(first.name),
    description: 'Pushed events, in order; each queue is consumed by one gateway at a time.',
    servers: SERVERS,
    parameters: { partition: partitionParameter(pushQueue) },
    bindings: queueBinding(named(first.name), first),
    'x-queue': queueDetails(first, bindings),
  });
}

function addQueueAt(builder: AsyncApiBuilder, queue: QueueSpec, description: string): void {
  builder.channel(queueChannel(queue.name), {
    address: queue.name,
    title: queue.name,
    description,
    servers: SERVERS,
    bindings: queueBinding(queue.name, queue),
    'x-queue': queueDetails(queue),
  });
}
