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
export const NOTHING = '(?!)';

/** Rights of every user. `userPrefix` stands before the service prefix where clones share one broker. */
export function userSpecs(userPrefix: string): readonly UserSpec[] {
  return [...SERVICES.map((service) => serviceUser(service, userPrefix)), topologyUser(), opsUser(userPrefix)];
}

function serviceUser(service: ServiceSpec, userPrefix: string): UserSpec {
  const p = service.prefix;
  const own = `${escape(p)}\\..+`;
  const replies = `rpc\\.${escape(userPrefix + p)}\\..+`;
  const retries = service.commands || service.keyed === true || Object.keys(service.events).length > 0;
  const parks = retries || service.delivers;
  const topics = serviceTopics(service, { own, replies, retries, parks });
  const queues = service.calls.length > 0 ? [own, replies] : [own];
  const written = topics.filter((t) => t.write !== NOTHING).map((t) => t.exchange);
  // The broker asks for write on the exchange that a queue dead-letters to. The topic permission keeps publishing there shut.
  if (retries) written.push(EXCHANGE.deliver);
  const readable = topics.filter((t) => t.read !== NOTHING).map((t) => t.exchange);
  return {
    prefix: p,
    configure: only(...queues),
    write: only(...written.map(escape), ...queues),
    read: only(...readable.map(escape), ...queues),
    topics,
  };
}

interface OwnNames {
  readonly own: string;
  readonly replies: string;
  /** Keeps failed messages in delay tiers. */
  readonly retries: boolean;
  /** Keeps them in dead letters. */
  readonly parks: boolean;
}

function serviceTopics(service: ServiceSpec, { own, replies, retries, parks }: OwnNames): UserSpec['topics'] {
  const p = escape(service.prefix);
  const may = (condition: boolean, pattern: string): string => (condition ? only(pattern) : NOTHING);
  const calls = service.calls.length > 0;
  const dead = may(parks, escape(deadQueue(service.prefix)));
  return [
    topic(EXCHANGE.rpc, anyOf(service.calls, '\\.[a-z_]+'), may(service.rpc, `${p}\\.\\*`)),
    topic(
      EXCHANGE.commands,
      anyOf(service.calls, '\\.[a-z_]+(\\.p\\d+)?'),
      may(service.commands || service.keyed === true, `${p}\\.\\*(\\.p\\d+)?`),
    ),
    topic(EXCHANGE.events, only(`${p}\\.[a-z_]+`), anyOf(Object.values(service.events).flat(), '')),
    topic(EXCHANGE.push, pushWrite(service), may(service.delivers, 'push\\.\\d\\d|gateway\\.node\\..+')),
    topic(EXCHANGE.replies, may(service.rpc, 'rpc\\..+'), may(calls, replies)),
    ...DELAY_TIERS.map(({ name }) => topic(delayExchange(name), may(retries, own), may(retries, `${p}\\.#`))),
    topic(EXCHANGE.deliver, NOTHING, may(parks, own)),
    topic(EXCHANGE.dead, dead, dead),
    topic(EXCHANGE.unroutable, NOTHING, NOTHING),
  ];
}

function pushWrite(service: ServiceSpec): string {
  if (service.delivers) return only('gateway\\.node\\..+');
  return service.pushes ? only('push\\.\\d\\d') : NOTHING;
}

/** Declares the exchanges and the queue of the unroutable. An exchange with an alternate needs read on itself, write on the other. */
function topologyUser(): UserSpec {
  const unroutable = escape(EXCHANGE.unroutable); // the name of the exchange and of its queue
  const open = [topic(EXCHANGE.unroutable, NOTHING, only('#'))];
  return {
    prefix: 'topology',
    configure: only('warren\\..+'),
    write: only(unroutable),
    read: only(escape(EXCHANGE.deliver), escape(EXCHANGE.dead), unroutable),
    topics: [...everyOther(open), ...open],
  };
}

/** Replays go out on `warren.deliver`; reading is limited to dead letters and what could not be routed. */
function opsUser(userPrefix: string): UserSpec {
  const replies = `rpc\\.${escape(`${userPrefix}ops`)}\\..+`;
  const open = [
    topic(EXCHANGE.deliver, only('.+'), NOTHING),
    topic(EXCHANGE.rpc, only('[a-z]+\\.[a-z_]+'), NOTHING),
    topic(EXCHANGE.replies, NOTHING, only(replies)),
  ];
  return {
    prefix: 'ops',
    configure: only(replies),
    write: only(escape(EXCHANGE.deliver), escape(EXCHANGE.rpc), replies),
    read: only('[a-z]+\\.dead', 'warren\\.unroutable', escape(EXCHANGE.replies), replies),
    topics: [...everyOther(open), ...open],
  };
}

/** The exchanges that are not among these, shut: an absent row would allow everything. */
function everyOther(open: UserSpec['topics']): UserSpec['topics'] {
  const others = EXCHANGES.filter(({ name }) => !open.some(({ exchange }) => exchange === name));
  return others.map(({ name }) => topic(name, NOTHING, NOTHING));
}

function topic(exchange: string, write: string, read: string): UserSpec['topics'][number] {
  return { exchange, write, read };
}

function anyOf(names: readonly string[], suffix: string): string {
  return names.length === 0 ? NOTHING : only(...names.map((name) => escape(name) + suffix));
}

/** The whole name or key. The broker's `$` would let a newline follow, and so stand for one more name than it shows. */
const only = (...patterns: readonly string[]): string => `^(${patterns.join('|')})\\z`;

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
