import type { Contract, EventContract } from '@warren/contracts';
import { type ServiceSpec, userSpecs } from '@warren/rabbit';
import type { AsyncApiBuilder } from './asyncapi_builder.ts';
import type { Ref } from './asyncapi_document.ts';
import { addKeyChannels, addQueueChannels } from './broker_channels.ts';
import { addCommandMessages, addCopyMessages, addEventMessages } from './broker_messages.ts';
import {
  addCommandOperations,
  addCopyOperations,
  addEventOperations,
  addPushOperations,
  groupsOf,
  userScheme,
} from './broker_operations.ts';

/** What the messaging side of a document is made from. */
export interface BrokerWorld {
  readonly contracts: readonly Contract[];
  readonly events: readonly EventContract[];
  readonly services: readonly ServiceSpec[];
}

/** Everything that travels over RabbitMQ. */
export function addBroker(builder: AsyncApiBuilder, { contracts, events, services }: BrokerWorld): void {
  const emitted = events.filter(({ name, client }) => client === undefined || groupsOf(name, services).length > 0);
  const pushed = events.filter(({ client }) => client !== undefined);
  addServer(builder);
  addKeyChannels(builder, contracts, emitted);
  addQueueChannels(builder, services);
  for (const contract of contracts) {
    addCommandMessages(builder, contract);
    addCommandOperations(builder, contract);
  }
  for (const event of events) addEventMessages(builder, event, emitted.includes(event));
  for (const event of emitted) addEventOperations(builder, event, services);
  addPushOperations(builder, pushed);
  addCopyMessages(builder);
  addCopyOperations(builder, services);
}

function addServer(builder: AsyncApiBuilder): void {
  builder.server('broker', {
    host: '{host}:{port}',
    protocol: 'amqp',
    protocolVersion: '0-9-1',
    title: 'RabbitMQ',
    description: 'RabbitMQ 3.10 or newer, without plugins. Each service has a user of its own and limited rights.',
    variables: { host: { default: '127.0.0.1' }, port: { default: '5672' } },
    security: userSpecs('').map(({ prefix, write, read, configure, topics }): Ref => {
      const keys = topics
        .filter(({ write: keysWritten }) => keysWritten !== '(?!)')
        .map(({ exchange, write: keysWritten }) => `- ${exchange}: \`${keysWritten}\``);
      return builder.security(userScheme(prefix), {
        type: 'userPassword',
        description: [
          `Broker user \`${prefix}\`. Resources: configure \`${configure}\`, write \`${write}\`, read \`${read}\`.`,
          ...(keys.length === 0 ? [] : ['Keys that it may publish:', keys.join('\n')]),
        ].join('\n\n'),
      });
    }),
  });
}
