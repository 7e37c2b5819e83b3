import path from 'node:path';
import { SERVICES } from '@warren/rabbit';
import { expect, test } from 'vitest';
import { Draft } from './draft.ts';
import { layoutOf } from './service_layout.ts';
import { serviceNames } from './service_names.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..', '..');
const named = (name: string) => serviceNames(new Draft(ROOT), name, SERVICES);

test('a free name gives the names of app, domain and everything in them', () => {
  expect(named('bazaar')).toMatchObject({
    app: 'apps/bazaar-svc',
    domain: 'libs/bazaar',
    registry: 'apps/bazaar-svc/src/bazaar_config.ts',
    tokens: 'BAZAAR',
    service: 'bazaarService',
  });
});

test.each([
  ['Bazaar', '"Bazaar" is no name of a service'],
  ['game-core', '"game-core" is no name of a service'],
  ['x', '"x" is no name of a service'],
  ['auth', 'rabbitmq_topology.ts has a service auth already.'],
  ['coordinator', 'rabbitmq_topology.ts has a service coordinator already.'],
  ['client', 'libs/client is there already'],
  ['ops', 'ops is a name that the system uses itself'],
  ['log', 'The setting LOG_LEVEL would be taken for one of log alone'],
])('%s is refused: %s', (name, sentence) => {
  expect(() => named(name)).toThrow(sentence);
});

test.each([
  ['auth', 'libs/auth', 'AUTH_TOKENS', 'authService'],
  ['allocator', 'libs/allocation', 'ALLOCATION', 'allocatorService'],
  ['coordinator', 'libs/coordination', 'COORDINATION', 'coordinatorService'],
])('the parts of %s are found where they are', (prefix, domain, tokens, service) => {
  const spec = SERVICES.find((one) => one.prefix === prefix);
  if (spec === undefined) throw new Error(prefix);
  expect(layoutOf(new Draft(ROOT), spec)).toMatchObject({ prefix, domain, tokens, service });
});

test('a service that answers no commands is refused', () => {
  const [gateway] = SERVICES.filter(({ delivers }) => delivers);
  if (gateway === undefined) throw new Error('no gateway');
  expect(() => layoutOf(new Draft(ROOT), gateway)).toThrow('gateway answers no commands');
});
