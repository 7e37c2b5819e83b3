import { type BrokerItem, type Definitions, itemsOf } from './broker_items.ts';

interface Difference {
  readonly fact: string;
  readonly found: unknown;
  readonly declared: unknown;
}

/** What the broker has otherwise than declared: not at all, differently, or without being told to. */
export type Change =
  | { readonly kind: 'missing'; readonly item: BrokerItem }
  | { readonly kind: 'different'; readonly item: BrokerItem; readonly differences: readonly Difference[] }
  | { readonly kind: 'unknown'; readonly item: BrokerItem };

/** How the vhost that is declared differs from what the whole broker says. Differences first by part, then as declared. */
export function driftOf(declared: Definitions, broker: Definitions): readonly Change[] {
  const found = withinVhost(broker, declared);
  const wanted = itemsOf(withoutResting(declared, found));
  const there = itemsOf(found);
  return [
    ...[...wanted.values()].flatMap((item) => compare(item, there.get(item.name))),
    ...[...there.values()].filter(({ name }) => !wanted.has(name)).map((item): Change => ({ kind: 'unknown', item })),
  ];
}

function compare(item: BrokerItem, found: BrokerItem | undefined): Change[] {
  if (found === undefined) return [{ kind: 'missing', item }];
  const facts = new Set([...Object.keys(item.facts), ...Object.keys(found.facts)]);
  const differences = [...facts]
    .map((fact) => ({ fact, declared: item.facts[fact], found: found.facts[fact] }))
    .filter((difference) => JSON.stringify(difference.declared) !== JSON.stringify(difference.found));
  return differences.length === 0 ? [] : [{ kind: 'different', item, differences }];
}

/**
 * The part of a broker that the declared vhost is compared with. Users are shared by all vhosts: only the declared ones are
 * looked at. Of others only their rights here count, but for who administers the broker and may have them anywhere. A queue
 * of one connection is not exported, but its bindings are.
 */
function withinVhost(broker: Definitions, declared: Definitions): Definitions {
  const vhosts = namesOf(declared.vhosts);
  const users = namesOf(declared.users);
  const administrators = namesOf(broker.users.filter(({ tags }) => tags.includes('administrator')));
  const here = <T extends { readonly vhost: string }>(entries: readonly T[]): T[] =>
    entries.filter(({ vhost }) => vhosts.has(vhost));
  const ofOthers = <T extends { readonly user: string; readonly vhost: string }>(entries: readonly T[]): T[] =>
    here(entries).filter(({ user }) => users.has(user) || !administrators.has(user));
  const queues = here(broker.queues);
  const queueNames = namesOf(queues);
  return {
    vhosts: broker.vhosts.filter(({ name }) => vhosts.has(name)),
    users: broker.users.filter(({ name }) => users.has(name)),
    permissions: ofOthers(broker.permissions).filter((row) => users.has(row.user) || permitsAnything(row)),
    topic_permissions: ofOthers(broker.topic_permissions),
    exchanges: here(broker.exchanges),
    queues,
    bindings: here(broker.bindings).filter(
      (binding) => binding.destination_type === 'exchange' || queueNames.has(binding.destination),
    ),
    policies: here(broker.policies),
  };
}

/** Without the queues that go when nobody uses them, as far as they are gone: their service is not running. */
function withoutResting(declared: Definitions, found: Definitions): Definitions {
  const there = namesOf(found.queues);
  const resting = namesOf(declared.queues.filter((queue) => 'x-expires' in queue.arguments && !there.has(queue.name)));
  return {
    ...declared,
    queues: declared.queues.filter(({ name }) => !resting.has(name)),
    bindings: declared.bindings.filter(({ destination }) => !resting.has(destination)),
  };
}

/** An empty expression matches nothing. */
const permitsAnything = ({ configure, write, read }: Definitions['permissions'][number]): boolean =>
  configure + write + read !== '';

const namesOf = (entries: readonly { readonly name: string }[]): ReadonlySet<string> =>
  new Set(entries.map(({ name }) => name));
