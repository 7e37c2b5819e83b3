import { CONTRACTS, EVENTS } from '@warren/contracts';
import { SERVICES } from '@warren/rabbit';
import { expect, test } from 'vitest';
import { type ContractWorld, contractProblems } from './rules/contracts.ts';

const world: ContractWorld = { contracts: CONTRACTS, events: EVENTS, services: SERVICES };
const [first] = CONTRACTS;
if (first === undefined) throw new Error('there are no contracts');

test('every contract has a name of a known service, its own routes and a queue to arrive on', () => {
  expect(CONTRACTS.length).toBeGreaterThanOrEqual(20);
  expect(contractProblems(world)).toEqual([]);
});

test.for([
  ['a second contract of one name', { ...first }, `command ${first.name} is used by more than one contract`],
  ['a name without a verb', { ...first, name: 'auth' }, 'auth: a name is <service prefix>.<verb_noun>'],
  [
    'a service that the topology lacks',
    { ...first, name: 'shop.buy' },
    'shop.buy: rabbitmq_topology.ts has no service shop',
  ],
  [
    'a route that another command has, whatever its parameters are called',
    { ...first, name: 'auth.other', http: { method: 'GET', path: '/v1/tickets/{id}', status: 200 } },
    'HTTP route GET /v1/tickets/{} is used by more than one contract',
  ],
  [
    'a path parameter that its DTO lacks',
    { ...first, name: 'auth.other', http: { method: 'POST', path: '/v1/x/{nothing}', status: 200 } },
    'auth.other: path parameter nothing is no field of its DTO',
  ],
  [
    'a route on an internal command',
    { ...first, name: 'auth.other', exposure: 'internal' },
    'auth.other: an internal command has no public route',
  ],
  [
    'a caller that may not call',
    { ...first, name: 'coordinator.other', access: { kind: 'service', callers: ['auth'] } },
    'coordinator.other: auth must list coordinator under calls in rabbitmq_topology.ts',
  ],
] as const)('%s is refused by name', ([, contract, sentence]) => {
  expect(contractProblems({ ...world, contracts: [...CONTRACTS, contract] })).toContain(sentence);
});
