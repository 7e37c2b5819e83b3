import path from 'node:path';
import { expect, test } from 'vitest';
import { DependencyMap } from './dependency_map.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const map = DependencyMap.read(root);
const everyApp = ['gateway', 'auth', 'allocator', 'coordinator'];

test.each([
  ['apps/auth-svc/src/auth_config.ts', ['auth']],
  ['libs/auth/src/auth_settings.ts', ['auth']],
  ['examples/game-server/src/main.ts', ['game-server']],
  ['libs/provision/src/index.ts', []],
])('A change of %s restarts %j', (file, roles) => {
  expect(map.rolesUsing([file])).toEqual(roles);
});

test.each(['libs/kernel/src/json.ts', 'rabbitmq_topology.ts'])('A change of %s restarts every app', (file) => {
  expect(map.rolesUsing([file])).toEqual(expect.arrayContaining(everyApp));
});
