import { DELAY_TIERS, deadQueue, delayExchange, EXCHANGE, SERVICES, type ServiceSpec } from '../src/index.ts';

interface Wish {
  readonly service: ServiceSpec;
  /** The broker's user, which a temporary vhost prefixes. */
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
const isGatewayNode = (key: string): boolean => key.startsWith('gateway.node.');
const calls = ({ service, key }: Wish): boolean => service.calls.includes(key.split('.')[0] ?? '');
const isTier = (exchange: string): boolean => DELAY_TIERS.some((tier) => delayExchange(tier.name) === exchange);
const startsWithOwn = ({ service, key }: Wish): boolean =>
  key.startsWith(`${service.prefix}.`) && key.length > service.prefix.length + 1;

/** Whether the service has deliveries that it may put aside for later. */
const parks = (service: ServiceSpec): boolean =>
  service.commands || service.delivers || Object.keys(service.events).length > 0;

const PUBLISH: Rules = {
  byExchange: {
    [EXCHANGE.rpc]: (wish) => isCommand(wish.key) && calls(wish),
    [EXCHANGE.commands]: (wish) => calls(wish) && /^[a-z]+\.[a-z_]+(\.p\d+)?$/.test(wish.key),
    [EXCHANGE.events]: (wish) => isCommand(wish.key) && startsWithOwn(wish),
    [EXCHANGE.push]: ({ service, key }) =>
      (service.pushes && isPushPartition(key)) || (service.delivers && isGatewayNode(key)),
    [EXCHANGE.replies]: ({ service, key }) => service.rpc && key.split('.')[0] === 'rpc',
    [EXCHANGE.dead]: ({ service, key }) => parks(service) && key === deadQueue(service.prefix),
  },
  ofTier: (wish) => parks(wish.service) && startsWithOwn(wish),
};

const BIND: Rules = {
  byExchange: {
    [EXCHANGE.rpc]: ({ service, key }) => service.rpc && key === `${service.prefix}.*`,
    [EXCHANGE.commands]: ({ service, key }) =>
      service.commands && (key === `${service.prefix}.*` || key === `${service.prefix}.*.p3`),
    [EXCHANGE.events]: ({ service, key }) => Object.values(service.events).flat().includes(key),
    [EXCHANGE.push]: ({ service, key }) => service.delivers && (isPushPartition(key) || isGatewayNode(key)),
    [EXCHANGE.replies]: ({ service, user, key }) => service.calls.length > 0 && key.startsWith(`rpc.${user}.`),
    [EXCHANGE.deliver]: (wish) => parks(wish.service) && startsWithOwn(wish),
    [EXCHANGE.dead]: ({ service, key }) => parks(service) && key === deadQueue(service.prefix),
  },
  ofTier: ({ service, key }) => parks(service) && key === `${service.prefix}.#`,
};

function grants(rules: Rules, exchange: string, wish: Omit<Wish, 'service'> & { readonly prefix: string }): boolean {
  const service = SERVICES.find(({ prefix }) => prefix === wish.prefix);
  if (service === undefined) return false;
  const rule = isTier(exchange) ? rules.ofTier : rules.byExchange[exchange];
  return rule?.({ ...wish, service }) ?? false;
}

/** The intended rights in words of the design, not of the regular expressions. */
export function mayPublish(prefix: string, exchange: string, key: string): boolean {
  if (prefix !== 'ops') return grants(PUBLISH, exchange, { prefix, user: prefix, key });
  return (exchange === EXCHANGE.deliver && key !== '') || (exchange === EXCHANGE.rpc && isCommand(key));
}

export function mayBind(prefix: string, user: string, exchange: string, key: string): boolean {
  if (prefix === 'topology') return true;
  if (prefix === 'ops') return exchange === EXCHANGE.replies && key.startsWith(`rpc.${user}.`);
  return grants(BIND, exchange, { prefix, user, key });
}
