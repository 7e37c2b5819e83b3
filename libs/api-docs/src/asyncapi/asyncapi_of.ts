import type { Contract, EventContract } from '@warren/contracts';
import type { ApiInfo } from '../openapi/documented_route.ts';
import { AsyncApiBuilder } from './asyncapi_builder.ts';
import type { AsyncApiDocument } from './asyncapi_document.ts';
import { addBroker, type BrokerWorld } from './broker_part.ts';
import { addSockets } from './socket_part.ts';

/** AsyncAPI 3.0 of the whole system: what travels over the broker and over the WebSockets. For those who run it. */
export function asyncApiOf(info: ApiInfo, world: BrokerWorld): AsyncApiDocument {
  const builder = new AsyncApiBuilder();
  addBroker(builder, world);
  addSockets(builder, world.contracts, world.events);
  return builder.build({ ...info });
}

/** AsyncAPI 3.0 of the WebSockets alone: nothing in it names a queue, an internal command or a service's rights. */
export function clientAsyncApiOf(
  info: ApiInfo,
  contracts: readonly Contract[],
  events: readonly EventContract[],
): AsyncApiDocument {
  const builder = new AsyncApiBuilder();
  addSockets(builder, contracts, events);
  return builder.build({ ...info });
}
