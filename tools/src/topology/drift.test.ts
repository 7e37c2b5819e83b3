import { wholeDefinitions } from '@warren/rabbit';
import { expect, test } from 'vitest';
import { adviceOn } from './advice.ts';
import { type Definitions, pick } from './broker_items.ts';
import { type Change, driftOf } from './drift.ts';

const passwords = new Proxy<Record<string, string>>({}, { get: () => 'a hash' });
const declared = wholeDefinitions({ vhost: 'v', userPrefix: 'u-', passwords });

/** The broker as it is declared, with some parts changed. */
const brokerWith = (change: Partial<Definitions> = {}): Definitions => ({ ...declared, ...change });
const drift = (change: Partial<Definitions>): string[] => driftOf(declared, brokerWith(change)).map(shown);
const shown = (change: Change): string => {
  const facts =
    change.kind === 'different' ? change.differences.map(({ fact, found }) => ` ${fact}=${String(found)}`) : [];
  return `${change.kind} ${change.item.name}${facts.join('')}`;
};

test('a broker that is as declared has no drift', () => {
  expect(drift({})).toEqual([]);
});

test('an empty broker misses everything but the queues of services that do not run', () => {
  const empty: Definitions = {
    vhosts: [],
    users: [],
    permissions: [],
    topic_permissions: [],
    exchanges: [],
    queues: [],
    bindings: [],
    policies: [],
  };
  const missing = driftOf(declared, empty);
  expect(new Set(missing.map(({ kind }) => kind))).toEqual(new Set(['missing']));
  const names = missing.map(({ item }) => item.name);
  for (const name of ['vhost v', 'user u-auth', 'permissions of u-ops', 'exchange warren.rpc', 'queue allocator.dead'])
    expect(names).toContain(name);
  expect(names.filter((name) => /queue \w+\.rpc\b/.test(name))).toEqual([]);
  const all = Object.values(declared).flat().length;
  const resting = [...declared.queues, ...declared.bindings].filter((one) => JSON.stringify(one).includes('.rpc"'));
  expect(missing).toHaveLength(all - resting.length);
});

test('a missing row of topic permissions, which would allow every key, is seen', () => {
  const [gone, ...rest] = declared.topic_permissions;
  expect(drift({ topic_permissions: rest })).toEqual([
    `missing topic permissions of ${gone?.user} on ${gone?.exchange}`,
  ]);
});

test('an argument that is another, one too few and one too many are told apart by their values', () => {
  const queues = declared.queues.map((queue) => {
    if (queue.name !== 'auth.rpc') return queue;
    const { 'x-expires': _, ...rest } = queue.arguments;
    return { ...queue, arguments: { ...rest, 'x-max-length': 5, 'x-message-ttl': 1 } };
  });
  expect(drift({ queues })).toEqual(['different queue auth.rpc x-max-length=5 x-expires=undefined x-message-ttl=1']);
});

test('what nobody declared is unknown, also a second binding of the same queue', () => {
  const [binding] = declared.bindings;
  if (binding === undefined) throw new Error('no binding is declared');
  expect(drift({ bindings: [...declared.bindings, { ...binding, routing_key: 'x.*' }] })).toEqual([
    `unknown binding ${binding.source} -> queue ${binding.destination} by "x.*"`,
  ]);
});

test('other vhosts, other users without rights here, administrators and queues of one connection are no drift', () => {
  const row = { configure: '.*', write: '.*', read: '.*' };
  const stranger = { user: 'stranger', vhost: 'v', configure: '', write: '', read: '' };
  const [binding] = declared.bindings;
  if (binding === undefined) throw new Error('no binding is declared');
  const others: Partial<Definitions> = {
    vhosts: [...declared.vhosts, { name: 'other' }],
    users: [...declared.users, { name: 'root', tags: ['administrator'] }, { name: 'stranger', tags: [] }],
    permissions: [...declared.permissions, { ...row, user: 'root', vhost: 'v' }, { ...row, user: 'x', vhost: 'other' }],
    bindings: [...declared.bindings, { ...binding, destination: 'rpc.u-gateway.i.1' }],
  };
  expect(drift(others)).toEqual([]);
  expect(drift({ permissions: [...declared.permissions, stranger] })).toEqual([]);
  const allowed = { ...stranger, read: '.*' };
  expect(drift({ permissions: [...declared.permissions, allowed] })).toEqual(['unknown permissions of stranger']);
});

test('of a declaration the entries of given names are picked, whole', () => {
  const picked = pick(declared, new Set(['user u-auth', 'queue auth.rpc', 'exchange warren.dead']));
  expect(picked).toMatchObject({
    users: [{ name: 'u-auth', password_hash: 'a hash' }],
    queues: [{ name: 'auth.rpc' }],
    exchanges: [{ name: 'warren.dead', arguments: { 'alternate-exchange': 'warren.unroutable' } }],
  });
  expect(Object.values(picked).flat()).toHaveLength(3);
});

test('everything that is left alone has a sentence for the operator', () => {
  const nothing = wholeDefinitions({ vhost: 'v', userPrefix: 'u-', passwords });
  const changes = driftOf(
    { ...nothing, exchanges: [], queues: [], bindings: [], policies: [], topic_permissions: [] },
    declared,
  );
  for (const change of changes) expect(adviceOn(change)).toMatch(/^[A-Z].*\.$/);
  expect(changes.length).toBeGreaterThan(0);
});
