import { DELAY_TIERS, deadQueue, delayExchange, EXCHANGE, EXCHANGES, SERVICES, type ServiceSpec } from './topology.ts';

/** RabbitMQ's permission triple for one user, and its topic permissions per exchange. Regular expressions, anchored. */
export interface UserSpec {
  readonly prefix: string;
  readonly configure: string;
  readonly write: string;
  readonly read: string;
  readonly topics: readonly { readonly exchange: string; readonly write: string; readonly read: string }[];
}

/** Matches no key at all. `^$` would match the empty key, which `warren.deliver` hands on to the queue of the unroutable. */
const NOTHING = '(?!)';

/** Rights of every user. `userPrefix` stands before the service prefix where clones share one broker. */
export function userSpecs(userPrefix: string): readonly UserSpec[] {
  return [...SERVICES.map((service) => serviceUser(service, userPrefix)), topologyUser(), opsUser(userPrefix)];
}

function serviceUser(service: ServiceSpec, userPrefix: string): UserSpec {
  const p = service.prefix;
  const own = `${escape(p)}\\..+`;
  const replies = `rpc\\.${escape(userPrefix + p)}\\..+`;
  const parks =
    service.commands || service.keyed === true || service.delivers || Object.keys(service.events).length > 0;
  const topics = serviceTopics(service, { own, replies, parks });
  const ownQueues = `${own}|${replies}`;
  const written = topics.filter((t) => t.write !== NOTHING).map((t) => t.exchange);
  // The broker asks for write on the exchange that a queue dead-letters to. The topic permission keeps publishing there shut.
  if (parks) written.push(EXCHANGE.deliver);
  const readable = topics.filter((t) => t.read !== NOTHING).map((t) => t.exchange);
  return {
    prefix: p,
    configure: `^(${ownQueues})$`,
    write: `^(${[...written.map(escape), ownQueues].join('|')})$`,
    read: `^(${[...readable.map(escape), ownQueues].join('|')})$`,
    topics,
  };
}

interface OwnNames {
  readonly own: string;
  readonly replies: string;
  /** Keeps failed messages in delay tiers and dead letters. */
  readonly parks: boolean;
}

function serviceTopics(service: ServiceSpec, { own, replies, parks }: OwnNames): UserSpec['topics'] {
  const p = escape(service.prefix);
  const may = (condition: boolean, pattern: string): string => (condition ? pattern : NOTHING);
  const calls = service.calls.length > 0;
  const dead = may(parks, `^${escape(deadQueue(service.prefix))}$`);
  return [
    topic(EXCHANGE.rpc, anyOf(service.calls, '\\.[a-z_]+'), may(service.rpc, `^${p}\\.\\*$`)),
    topic(
      EXCHANGE.commands,
      anyOf(service.calls, '\\.[a-z_]+(\\.p\\d+)?'),
      may(service.commands || service.keyed === true, `^${p}\\.\\*(\\.p\\d+)?$`),
    ),
    topic(EXCHANGE.events, `^${p}\\.[a-z_]+$`, anyOf(Object.values(service.events).flat(), '')),
    topic(EXCHANGE.push, pushWrite(service), may(service.delivers, '^(push\\.\\d\\d|gateway\\.node\\..+)$')),
    topic(EXCHANGE.replies, may(service.rpc, '^rpc\\..+$'), may(calls, `^${replies}$`)),
    ...DELAY_TIERS.map(({ name }) => topic(delayExchange(name), may(parks, `^${own}$`), may(parks, `^${p}\\.#$`))),
    topic(EXCHANGE.deliver, NOTHING, may(parks, `^${own}$`)),
    topic(EXCHANGE.dead, dead, dead),
    topic(EXCHANGE.unroutable, NOTHING, NOTHING),
  ];
}

function pushWrite(service: ServiceSpec): string {
  if (service.delivers) return '^gateway\\.node\\..+$';
  return service.pushes ? '^push\\.\\d\\d$' : NOTHING;
}

function topologyUser(): UserSpec {
  const all = '^warren\\..+$';
  return { prefix: 'topology', configure: all, write: all, read: all, topics: everyExchange(NOTHING, '^.*$') };
}

/** Replays go out on `warren.deliver`; reading is limited to dead letters and what could not be routed. */
function opsUser(userPrefix: string): UserSpec {
  const replies = `rpc\\.${escape(`${userPrefix}ops`)}\\..+`;
  const open = [
    topic(EXCHANGE.deliver, '^.+$', NOTHING),
    topic(EXCHANGE.rpc, '^[a-z]+\\.[a-z_]+$', NOTHING),
    topic(EXCHANGE.replies, NOTHING, `^${replies}$`),
  ];
  const shut = everyExchange(NOTHING, NOTHING).filter((t) => !open.some((other) => other.exchange === t.exchange));
  return {
    prefix: 'ops',
    configure: `^${replies}$`,
    write: `^(${escape(EXCHANGE.deliver)}|${escape(EXCHANGE.rpc)}|${replies})$`,
    read: `^(.+\\.dead|warren\\.unroutable|${escape(EXCHANGE.replies)}|${replies})$`,
    topics: [...shut, ...open],
  };
}

function everyExchange(write: string, read: string): UserSpec['topics'] {
  return EXCHANGES.map((exchange) => topic(exchange.name, write, read));
}

function topic(exchange: string, write: string, read: string): UserSpec['topics'][number] {
  return { exchange, write, read };
}

function anyOf(names: readonly string[], suffix: string): string {
  return names.length === 0 ? NOTHING : `^(${names.map(escape).join('|')})${suffix}$`;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
