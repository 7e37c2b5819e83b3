import { asyncApiOf } from '@warren/api-docs';
import { CONTRACTS, EVENTS } from '@warren/contracts';
import { SERVICES } from '@warren/rabbit';

const INFO = {
  title: 'Warren, all messages',
  version: '1',
  description:
    'Everything that travels over RabbitMQ and over the WebSockets of the gateway. ' +
    'Each operation is told from the side of the service in its tag; `x-service` names it.\n\n' +
    'A service ignores fields of a message that it does not know, so that old and new versions run together. ' +
    'The gateway refuses them. How messages are retried, parked and made harmless when repeated: docs/messaging.md.',
};

/** AsyncAPI of the whole system, for those who run it. A gateway shows its clients their part alone. */
export const systemAsyncApi = (): ReturnType<typeof asyncApiOf> =>
  asyncApiOf(INFO, { contracts: CONTRACTS, events: EVENTS, services: SERVICES });
