import { type Contract, type EventContract, serviceOf } from '@warren/contracts';
import {
  commandsQueue,
  DELAY_TIERS,
  deadQueue,
  eventsQueue,
  queuesOf,
  retryQueue,
  rpcQueue,
  type ServiceSpec,
} from '@warren/rabbit';
import type { Json } from '../json.ts';
import type { AsyncApiBuilder } from './asyncapi_builder.ts';
import { keyChannel, PUSH_CHANNEL, PUSH_QUEUES_CHANNEL, queueChannel, REPLIES_CHANNEL } from './broker_channels.ts';
import {
  commandMessage,
  DEAD_LETTER,
  errorMessage,
  pushMessage,
  replyMessage,
  WAITING_COPY,
} from './broker_messages.ts';

const AMQP = '0.3.0';
const GATEWAY = 'gateway';
const OPS = 'ops';

export const userScheme = (user: string): string => `broker_${user}`;

/** An operation needs the login of the service that does it: the broker limits which keys each user may write and bind. */
const asUser = (user: string): { readonly security: readonly { readonly $ref: string }[] } => ({
  security: [{ $ref: `#/components/securitySchemes/${userScheme(user)}` }],
});

const sends = (persistent: boolean, mandatory: boolean): { readonly bindings: Json } => ({
  bindings: { amqp: { deliveryMode: persistent ? 2 : 1, mandatory, timestamp: true, bindingVersion: AMQP } },
});
const receives = { bindings: { amqp: { ack: true, bindingVersion: AMQP } } } as const;

/** Broker users that may send a command: the services that it names, and for a public one the service at the door. */
const sendersOf = ({ access, exposure }: Contract): readonly string[] => [
  ...(exposure === 'public' ? [GATEWAY] : []),
  ...(access.kind === 'service' ? access.callers : []),
];

/** What the check for breaking changes and readers want to know of a command. */
const rulesOf = ({ access, idempotency, deadlineMs, limits, secretFields, exposure }: Contract): Json => ({
  exposure,
  access: { ...access },
  idempotency,
  deadlineMs,
  ...(exposure === 'public' ? { maxBytes: limits.maxBytes, ratePerMinute: limits.ratePerMinute } : {}),
  ...(secretFields.length === 0 ? {} : { secretFields }),
});

export function addCommandOperations(builder: AsyncApiBuilder, contract: Contract): void {
  if (contract.ways.includes('rpc')) addRpc(builder, contract);
  if (contract.ways.includes('command')) addDurable(builder, contract);
}

function addRpc(builder: AsyncApiBuilder, contract: Contract): void {
  const { name, summary } = contract;
  const owner = serviceOf(name);
  const ends = [replyMessage(name), errorMessage(name)];
  builder.operation(`receive.rpc.${name}`, {
    action: 'receive',
    channel: queueChannel(rpcQueue(owner)),
    title: `${owner} answers ${name}`,
    summary,
    ...asUser(owner),
    ...receives,
    messages: [name],
    reply: { channel: REPLIES_CHANNEL, messages: ends },
    'x-kind': 'rpc',
    'x-service': owner,
    'x-subject': name,
    'x-rules': rulesOf(contract),
  });
  for (const sender of sendersOf(contract)) {
    builder.operation(`send.rpc.${name}.by_${sender}`, {
      action: 'send',
      channel: keyChannel('rpc', name),
      title: `${sender} asks ${name}`,
      summary,
      ...asUser(sender),
      ...sends(false, true),
      messages: [name],
      reply: { channel: queueChannel('replies'), messages: ends },
      'x-kind': 'rpc',
      'x-service': sender,
      'x-subject': name,
    });
  }
}

function addDurable(builder: AsyncApiBuilder, contract: Contract): void {
  const { name, summary, access } = contract;
  const owner = serviceOf(name);
  const about = { summary, 'x-kind': 'command', 'x-subject': name, messages: [commandMessage(name)] } as const;
  builder.operation(`receive.command.${name}`, {
    ...about,
    action: 'receive',
    channel: queueChannel(commandsQueue(owner)),
    title: `${owner} works off ${name}`,
    ...asUser(owner),
    ...receives,
    'x-service': owner,
    'x-rules': rulesOf(contract),
  });
  const senders = access.kind === 'service' ? access.callers.filter((caller) => caller !== OPS) : [];
  for (const sender of senders) {
    builder.operation(`send.command.${name}.by_${sender}`, {
      ...about,
      action: 'send',
      channel: keyChannel('commands', name),
      title: `${sender} sends ${name}`,
      ...asUser(sender),
      ...sends(true, true),
      'x-service': sender,
    });
  }
}

/** Groups of services that hear an event. */
export const groupsOf = (
  event: string,
  services: readonly ServiceSpec[],
): (readonly [prefix: string, group: string])[] =>
  services.flatMap(({ prefix, events }) =>
    Object.entries(events).flatMap(([group, names]) => (names.includes(event) ? [[prefix, group] as const] : [])),
  );

export function addEventOperations(
  builder: AsyncApiBuilder,
  { name, summary }: EventContract,
  services: readonly ServiceSpec[],
): void {
  const owner = serviceOf(name);
  const about = { summary, 'x-kind': 'event', 'x-subject': name, messages: [name] } as const;
  builder.operation(`send.event.${name}`, {
    ...about,
    action: 'send',
    channel: keyChannel('events', name),
    title: `${owner} publishes ${name}`,
    ...asUser(owner),
    ...sends(true, false),
    'x-service': owner,
  });
  for (const [prefix, group] of groupsOf(name, services)) {
    builder.operation(`receive.event.${name}.by_${prefix}.${group}`, {
      ...about,
      action: 'receive',
      channel: queueChannel(eventsQueue(prefix, group)),
      title: `${prefix} hears ${name}`,
      ...asUser(prefix),
      ...receives,
      'x-service': prefix,
    });
  }
}

/** A pushed event goes to the gateway that holds its partition. */
export function addPushOperations(builder: AsyncApiBuilder, pushed: readonly EventContract[]): void {
  for (const { name, summary, client = '' } of pushed) {
    const owner = serviceOf(name);
    builder.operation(`send.push.${name}`, {
      action: 'send',
      channel: PUSH_CHANNEL,
      title: `${owner} pushes ${client}`,
      summary,
      ...asUser(owner),
      ...sends(true, true),
      messages: [pushMessage(name)],
      'x-kind': 'push',
      'x-service': owner,
      'x-subject': name,
    });
  }
  builder.operation('receive.push.by_gateway', {
    action: 'receive',
    channel: PUSH_QUEUES_CHANNEL,
    title: 'gateway takes pushed events',
    summary: 'Appends each event to the ring of its recipient, who then gets it over the WebSocket.',
    ...asUser(GATEWAY),
    ...receives,
    messages: pushed.map(({ name }) => pushMessage(name)),
    'x-kind': 'push',
    'x-service': GATEWAY,
  });
}

/** Where the copies of a service wait, and where it parks what it cannot work off; ops reads that. */
export function addCopyOperations(builder: AsyncApiBuilder, services: readonly ServiceSpec[]): void {
  for (const service of services) {
    const names = queuesOf(service).map(({ name }) => name);
    for (const { name: tier } of DELAY_TIERS) {
      const waiting = retryQueue(service.prefix, tier);
      if (names.includes(waiting)) builder.carries(queueChannel(waiting), [WAITING_COPY]);
    }
    const dead = deadQueue(service.prefix);
    if (!names.includes(dead)) continue;
    builder.operation(`receive.dead.${service.prefix}.by_${OPS}`, {
      action: 'receive',
      channel: queueChannel(dead),
      title: `ops reads the dead letters of ${service.prefix}`,
      summary: 'Messages that could not be worked off, each with its reason.',
      ...asUser(OPS),
      messages: [DEAD_LETTER],
      'x-kind': 'dead_letter',
      'x-service': OPS,
    });
  }
}
