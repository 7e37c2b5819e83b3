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
const FIELD = /^[a-z]+(_[a-z0-9]+)*$/;
const isRouted = ({ http, ws }: Contract): boolean => http !== undefined || ws !== undefined;

/** What a contract must not be, with the sentence that says so. */
const REFUSALS: readonly (readonly [broken: (contract: Contract) => boolean, sentence: string])[] = [
  [(contract) => contract.exposure === 'internal' && isRouted(contract), 'an internal command has no public route'],
  [(contract) => contract.exposure === 'public' && !isRouted(contract), 'a public command needs a route'],
  [({ ws }) => ws !== undefined && !CLIENT_TYPE.test(ws), 'a WebSocket type is <noun>.<verb>'],
  [({ http }) => http !== undefined && !/^\/(v1|\.well-known)\//.test(http.path), 'its path is outside of /v1'],
  [
    ({ http, idempotency }) => http?.method === 'GET' && idempotency !== 'read',
    'GET has no effect: idempotency must be read',
  ],
  [({ idempotency, ways }) => idempotency === 'own' && ways.includes('command'), 'what carries a secret is RPC only'],
  [({ ways }) => ways.length === 0, 'is neither RPC nor command'],
];

/** Names, routes and ways of the contracts: each known to the topology, none twice. */
export function contractProblems(world: ContractWorld): string[] {
  return [
    ...nameProblems(world),
    ...twice(
      'command',
      world.contracts.map(({ name }) => name),
    ),
    ...twice(
      'HTTP route',
      world.contracts.flatMap(({ http }) => (http ? [`${http.method} ${http.path.replace(/\{\w+\}/g, '{}')}`] : [])),
    ),
    ...twice(
      'WebSocket type',
      world.contracts.flatMap(({ ws }) => ws ?? []),
    ),
    ...twice(
      'event',
      world.events.map(({ name }) => name),
    ),
    ...twice(
      'client event type',
      world.events.flatMap(({ client }) => client ?? []),
    ),
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
  const { name, dto, http, secretFields, errors } = contract;
  const fields = Object.keys(dto.shape);
  const unknownOf = (names: readonly string[]): string[] => names.filter((field) => !fields.includes(field));
  const inPath = [...(http?.path.matchAll(/\{(\w+)\}/g) ?? [])].map((match) => match[1] ?? '');
  const problems = [
    ...unknownOf(inPath).map((field) => `path parameter ${field} is no field of its DTO`),
    ...unknownOf(secretFields).map((field) => `secret field ${field} is no field of its DTO`),
    ...fields.filter((field) => !FIELD.test(field)).map((field) => `field ${field} is not snake_case`),
    ...Object.keys(errors)
      .filter((code) => !ERROR_CODE.test(code))
      .map((code) => `error code ${code} is not <DOMAIN>_<FACT>`),
    ...REFUSALS.filter(([broken]) => broken(contract)).map(([, sentence]) => sentence),
  ];
  return problems.map((problem) => `${name}: ${problem}`);
}

function topologyProblems(contract: Contract, services: readonly ServiceSpec[]): string[] {
  const { name, ways } = contract;
  const prefix = name.split('.')[0] ?? '';
  const owner = services.find((service) => service.prefix === prefix);
  if (owner === undefined) return [];
  return [
    ...(ways.includes('rpc') && !owner.rpc ? [`${name}: ${prefix} has no RPC queue`] : []),
    ...(ways.includes('command') && !owner.commands ? [`${name}: ${prefix} has no command queue`] : []),
    ...callersOf(contract, services).flatMap((caller) => callerProblems(name, caller, services)),
  ];
}

/** Who sends a command: the services that it names, and for a public one the service at the door. */
function callersOf({ access, exposure }: Contract, services: readonly ServiceSpec[]): string[] {
  const named = access.kind === 'service' ? access.callers.filter((caller) => !OPERATORS.includes(caller)) : [];
  const doors = exposure === 'public' ? services.filter(({ delivers }) => delivers) : [];
  return [...named, ...doors.map(({ prefix }) => prefix)];
}

function callerProblems(name: string, caller: string, services: readonly ServiceSpec[]): string[] {
  const prefix = name.split('.')[0] ?? '';
  const spec = services.find((service) => service.prefix === caller);
  if (spec === undefined) return [`${name}: its caller ${caller} is no service`];
  return spec.calls.includes(prefix)
    ? []
    : [`${name}: ${caller} must list ${prefix} under calls in rabbitmq_topology.ts`];
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
