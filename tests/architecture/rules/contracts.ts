import type { Contract, EventContract } from '@warren/contracts';
import type { ServiceSpec } from '@warren/rabbit';

export interface ContractWorld {
  readonly contracts: readonly Contract[];
  readonly events: readonly EventContract[];
  readonly services: readonly ServiceSpec[];
}

const COMMAND_NAME = /^([a-z]+)\.([a-z]+(?:_[a-z]+)*)$/;
const CLIENT_TYPE = /^[a-z]+\.[a-z]+(?:_[a-z]+)*$/;
/** Broker users that are no service and may call: the operator's command line. */
const OPERATORS = ['ops'];
const ERROR_CODE = /^[A-Z]+(_[A-Z0-9]+)+$/;

/** Names, routes and ways of the contracts: each known to the topology, none twice. */
export function contractProblems(world: ContractWorld): string[] {
  return [
    ...nameProblems(world),
    ...twice('command', world.contracts.map(({ name }) => name)),
    ...twice('HTTP route', world.contracts.flatMap(({ http }) => (http ? [`${http.method} ${http.path.replace(/\{\w+\}/g, '{}')}`] : []))),
    ...twice('WebSocket type', world.contracts.flatMap(({ ws }) => ws ?? [])),
    ...twice('event', world.events.map(({ name }) => name)),
    ...twice('client event type', world.events.flatMap(({ client }) => client ?? [])),
    ...world.contracts.flatMap(shapeProblems),
    ...world.contracts.flatMap((contract) => topologyProblems(contract, world.services)),
    ...groupProblems(world),
  ];
}

function nameProblems({ contracts, events, services }: ContractWorld): string[] {
  const prefixes = services.map(({ prefix }) => prefix);
  return [...contracts, ...events].flatMap(({ name }) => {
    const prefix = COMMAND_NAME.exec(name)?.[1];
    if (prefix === undefined) return [`${name}: a name is <service prefix>.<verb_noun>`];
    return prefixes.includes(prefix) ? [] : [`${name}: rabbitmq_topology.ts has no service ${prefix}`];
  });
}

function twice(what: string, names: readonly string[]): string[] {
  const double = names.filter((name, index) => names.indexOf(name) !== index);
  return [...new Set(double)].map((name) => `${what} ${name} is used by more than one contract`);
}

function shapeProblems(contract: Contract): string[] {
  const { name, dto, http, ws, exposure, secretFields, idempotency, ways, errors } = contract;
  const fields = Object.keys(dto.shape);
  const unknownOf = (names: readonly string[]): string[] => names.filter((field) => !fields.includes(field));
  const inPath = [...(http?.path.matchAll(/\{(\w+)\}/g) ?? [])].map((match) => match[1] ?? '');
  const problems = [
    ...unknownOf(inPath).map((field) => `path parameter ${field} is no field of its DTO`),
    ...unknownOf(secretFields).map((field) => `secret field ${field} is no field of its DTO`),
    ...fields.filter((field) => !/^[a-z]+(_[a-z0-9]+)*$/.test(field)).map((field) => `field ${field} is not snake_case`),
    ...Object.keys(errors).filter((code) => !ERROR_CODE.test(code)).map((code) => `error code ${code} is not <DOMAIN>_<FACT>`),
    ...(exposure === 'internal' && (http !== undefined || ws !== undefined) ? ['an internal command has no public route'] : []),
    ...(exposure === 'public' && http === undefined && ws === undefined ? ['a public command needs a route'] : []),
    ...(ws !== undefined && !CLIENT_TYPE.test(ws) ? [`WebSocket type ${ws} is not <noun>.<verb>`] : []),
    ...(http?.method === 'GET' && idempotency !== 'read' ? ['GET has no effect: idempotency must be read'] : []),
    ...(idempotency === 'own' && ways.includes('command') ? ['what carries a secret is RPC only'] : []),
    ...(http !== undefined && !http.path.startsWith('/v1/') && !http.path.startsWith('/.well-known/') ? [`${http.path} is outside of /v1`] : []),
  ];
  return problems.map((problem) => `${name}: ${problem}`);
}

function topologyProblems({ name, exposure, access, ways }: Contract, services: readonly ServiceSpec[]): string[] {
  const prefix = name.split('.')[0] ?? '';
  const owner = services.find((service) => service.prefix === prefix);
  if (owner === undefined) return [];
  const door = services.find(({ delivers }) => delivers);
  const callers = access.kind === 'service' ? access.callers : [];
  const called = exposure === 'public' && door !== undefined ? [...callers, door.prefix] : callers;
  return [
    ...(ways.includes('rpc') && !owner.rpc ? [`${name}: ${prefix} has no RPC queue`] : []),
    ...(ways.includes('command') && !owner.commands ? [`${name}: ${prefix} has no command queue`] : []),
    ...(ways.length === 0 ? [`${name}: is neither RPC nor command`] : []),
    ...called.flatMap((caller) => {
      if (OPERATORS.includes(caller)) return [];
      const spec = services.find((service) => service.prefix === caller);
      if (spec === undefined) return [`${name}: its caller ${caller} is no service`];
      return spec.calls.includes(prefix) ? [] : [`${name}: ${caller} must list ${prefix} under calls in rabbitmq_topology.ts`];
    }),
  ];
}

/** Every event that a service subscribes to has a contract. */
function groupProblems({ events, services }: ContractWorld): string[] {
  const known = new Set(events.map(({ name }) => name));
  return services.flatMap(({ prefix, events: groups }) =>
    Object.entries(groups).flatMap(([group, names]) =>
      names.filter((name) => !known.has(name)).map((name) => `${prefix}.events.${group}: ${name} has no contract`),
    ),
  );
}
