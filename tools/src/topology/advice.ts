import type { Part } from './broker_items.ts';
import type { Change } from './drift.ts';

const SETUP = '`npm run warren -- setup --force` sets it as declared.';

/** What can be changed where it is; queues and exchanges cannot. */
const WHEN_DIFFERENT: Readonly<Partial<Record<Part, string>>> = {
  queues:
    'The broker cannot change it: stop its service, empty and delete the queue, and start the service, which makes it anew.',
  exchanges:
    'The broker cannot change it: stop the services, delete the exchange, run `topology apply`, and start the services.',
};

const WHEN_UNKNOWN: Readonly<Partial<Record<Part, string>>> = {
  queues: 'Delete the queue when it is empty and nobody needs it, or add it to rabbitmq_topology.ts.',
  exchanges: 'Delete the exchange when nobody publishes to it, or add it to rabbitmq_topology.ts.',
  bindings: 'Unbind it: messages go where nobody expects them.',
};
const CLEAR = 'Clear it, unless somebody knows what it is for.';

/** One sentence for the operator about what `topology apply` leaves alone. */
export function adviceOn(change: Change): string {
  const { part } = change.item;
  return change.kind === 'unknown' ? (WHEN_UNKNOWN[part] ?? CLEAR) : (WHEN_DIFFERENT[part] ?? SETUP);
}
