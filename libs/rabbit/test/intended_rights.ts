import {
  DELAY_TIERS,
  deadQueue,
  delayExchange,
  EXCHANGE,
  nodeQueueSpec,
  type QueueSpec,
  queuesOf,
  replyQueueSpec,
  SERVICES,
  type ServiceSpec,
  serviceSpec,
  UNROUTABLE_QUEUE,
} from '../src/index.ts';

/** Who asks: a service, or one of the users that set up and repair. */
export interface Asker {
  readonly prefix: string;
  /** The broker's user, which a temporary vhost prefixes. */
  readonly user: string;
}

interface Wish {
  readonly service: ServiceSpec;
  readonly user: string;
  readonly key: string;
}

/** The answer of each exchange; the delay exchanges, one per tier, share theirs. */
interface Rules {
  readonly byExchange: Readonly<Record<string, (wish: Wish) => boolean>>;
  readonly ofTier: (wish: Wish) => boolean;
}

const isCommand = (key: string): boolean => /^[a-z]+\.[a-z_]+$/.test(key);
const isPushPartition = (key: string): boolean => /^push\.\d\d$/.test(key);
const startsWith = (start: string, key: string): boolean =>
  key.startsWith(start) && key.length > start.length && !key.includes('\n');
const isGatewayNode = (key: string): boolean => startsWith('gateway.node.', key);
const isOwnReply = (user: string, key: string): boolean => startsWith(`rpc.${user}.`, key);
const startsWithOwn = ({ service, key }: Wish): boolean => startsWith(`${service.prefix}.`, key);
const calls = ({ service, key }: Wish): boolean => service.calls.includes(key.split('.')[0] ?? '');
const isTier = (exchange: string): boolean => DELAY_TIERS.some((tier) => delayExchange(tier.name) === exchange);

/** Whether the service has deliveries that it may put aside for later; those of the gateway are tried again in place. */
const retries = (service: ServiceSpec): boolean => service.commands || Object.keys(service.events).length > 0;
/** Whether it has some that can end in dead letters. */
const parks = (service: ServiceSpec): boolean => retries(service) || service.delivers;

const PUBLISH: Rules = {
  byExchange: {
    [EXCHANGE.rpc]: (wish) => isCommand(wish.key) && calls(wish),
    [EXCHANGE.commands]: (wish) => calls(wish) && /^[a-z]+\.[a-z_]+(\.p\d+)?$/.test(wish.key),
    [EXCHANGE.events]: (wish) => isCommand(wish.key) && startsWithOwn(wish),
    [EXCHANGE.push]: ({ service, key }) =>
      (service.pushes && isPushPartition(key)) || (service.delivers && isGatewayNode(key)),
    [EXCHANGE.replies]: ({ service, key }) => service.rpc && startsWith('rpc.', key),
    [EXCHANGE.dead]: ({ service, key }) => parks(service) && key === deadQueue(service.prefix),
  },
  ofTier: (wish) => retries(wish.service) && startsWithOwn(wish),
};

const BIND: Rules = {
  byExchange: {
    [EXCHANGE.rpc]: ({ service, key }) => service.rpc && key === `${service.prefix}.*`,
    [EXCHANGE.commands]: ({ service, key }) =>
      service.commands && (key === `${service.prefix}.*` || key === `${service.prefix}.*.p03`),
    [EXCHANGE.events]: ({ service, key }) => Object.values(service.events).flat().includes(key),
    [EXCHANGE.push]: ({ service, key }) => service.delivers && (isPushPartition(key) || isGatewayNode(key)),
    [EXCHANGE.replies]: ({ service, user, key }) => service.calls.length > 0 && isOwnReply(user, key),
    [EXCHANGE.deliver]: (wish) => parks(wish.service) && startsWithOwn(wish),
    [EXCHANGE.dead]: ({ service, key }) => parks(service) && key === deadQueue(service.prefix),
  },
  ofTier: ({ service, key }) => retries(service) && key === `${service.prefix}.#`,
};

function grants(rules: Rules, { prefix, user }: Asker, exchange: string, key: string): boolean {
  const service = SERVICES.find((known) => known.prefix === prefix);
  if (service === undefined) return false;
  const rule = isTier(exchange) ? rules.ofTier : rules.byExchange[exchange];
  return rule?.({ service, user, key }) ?? false;
}

/** The intended rights in words of the design, not of the regular expressions. */
export function mayPublish(asker: Asker, exchange: string, key: string): boolean {
  if (asker.prefix !== 'ops') return grants(PUBLISH, asker, exchange, key);
  return (exchange === EXCHANGE.deliver && /^.+$/.test(key)) || (exchange === EXCHANGE.rpc && isCommand(key));
}

/**
 * What a queue of one's own dead-letters has any key: no right on a key holds here, so receivers look at the sender. The
 * broker asks for the right to write to the exchange.
 */
export function mayDeadLetterTo(asker: Asker, exchange: string): boolean {
  if (asker.prefix === 'topology') return false;
  if (asker.prefix === 'ops') return exchange === EXCHANGE.deliver || exchange === EXCHANGE.rpc;
  const service = serviceSpec(asker.prefix);
  if (exchange === EXCHANGE.deliver || isTier(exchange)) return retries(service);
  return (
    {
      [EXCHANGE.rpc]: service.calls.length > 0,
      [EXCHANGE.commands]: service.calls.length > 0,
      [EXCHANGE.events]: true,
      [EXCHANGE.push]: service.pushes || service.delivers,
      [EXCHANGE.replies]: service.rpc,
      [EXCHANGE.dead]: parks(service),
    }[exchange] ?? false
  );
}

/** Of a queue that is the asker's own. */
export function mayBind(asker: Asker, exchange: string, key: string): boolean {
  if (asker.prefix === 'topology') return exchange === EXCHANGE.unroutable && key === '#';
  if (asker.prefix === 'ops') return exchange === EXCHANGE.replies && isOwnReply(asker.user, key);
  return grants(BIND, asker, exchange, key);
}

export interface OwnedQueue {
  /** The prefix of the only user who declares and binds it. */
  readonly owner: string;
  readonly queue: QueueSpec;
}

/** Every queue that there can be, of one process of each service. */
export function everyQueue(userOf: (prefix: string) => string): readonly OwnedQueue[] {
  const callers = SERVICES.filter((service) => service.calls.length > 0).map(({ prefix }) => prefix);
  return [
    ...SERVICES.flatMap((service) => queuesOf(service).map((queue) => ({ owner: service.prefix, queue }))),
    ...[...callers, 'ops'].map((owner) => ({ owner, queue: replyQueueSpec(userOf(owner), 'i', 1) })),
    { owner: 'gateway', queue: nodeQueueSpec('i', 1) },
    { owner: 'topology', queue: UNROUTABLE_QUEUE },
  ];
}

/** Dead letters and the unroutable are also read by those who repair. */
export const mayRead = ({ prefix }: Asker, { owner, queue }: OwnedQueue): boolean =>
  owner === prefix || (prefix === 'ops' && (owner === 'topology' || queue.name === deadQueue(owner)));
