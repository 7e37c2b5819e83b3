import { CONTRACTS } from '@warren/contracts';
import { SERVICES } from '@warren/rabbit';
import { expect, test } from 'vitest';
import type { CommandSpec, CommandWish } from './command_spec.ts';
import { completeWish } from './complete_wish.ts';

function complete(wish: Partial<CommandWish>, known: readonly string[] = []): CommandSpec {
  return completeWish(
    { name: 'grant_item', access: 'player', way: 'rpc', callers: [], ...wish },
    { prefix: 'coordinator', knows: (noun) => known.includes(noun), contracts: CONTRACTS, services: SERVICES },
  );
}

test.each<[Partial<CommandWish>, Partial<CommandSpec>]>([
  [{}, { rule: 'add', http: { method: 'POST', path: '/v1/coordinator/items', status: 201 }, ws: 'item.grant' }],
  [
    { name: 'get_item' },
    { rule: 'get', http: { method: 'GET', path: '/v1/coordinator/items/{item_id}', status: 200 }, ws: 'item.get' },
  ],
  [
    { name: 'rename_lost_item' },
    {
      rule: 'rename',
      http: { method: 'POST', path: '/v1/coordinator/lost-items/{lost_item_id}/rename', status: 200 },
      ws: 'coordinator.rename_lost_item',
    },
  ],
  [
    { access: 'server' },
    { http: { method: 'POST', path: '/v1/servers/coordinator/items', status: 201 }, ws: undefined },
  ],
  [{ name: 'inspect_item', rule: 'get' }, { rule: 'get' }],
  [
    { access: 'service', callers: ['auth', 'ops'], way: 'command' },
    { http: undefined, ws: undefined },
  ],
  [
    { http: 'DELETE /v1/things/{item_id}', name: 'drop_item' },
    { rule: 'remove', http: { method: 'DELETE', path: '/v1/things/{item_id}', status: 200 } },
  ],
])('%j becomes %j', (wish, spec) => {
  expect(complete(wish)).toMatchObject(spec);
});

test.each<[Partial<CommandWish>, string]>([
  [{ name: 'grant' }, '"grant" is no name of a command'],
  [{ name: 'GrantItem' }, '"GrantItem" is no name of a command'],
  [{ name: `grant_${'x'.repeat(40)}` }, 'with at most 40 characters'],
  [{ name: 'create_ticket' }, 'coordinator.create_ticket is there already.'],
  [{ name: 'add_value' }, '"value" cannot name a table'],
  [{ name: 'add_outbox' }, '"outbox" cannot name a table'],
  [{ access: 'anonymous' }, 'Nobody owns what an anonymous caller writes'],
  [{ way: 'command' }, 'a durable command is for --access service'],
  [{ access: 'service' }, 'Say which services may send it'],
  [{ callers: ['auth'] }, '--callers belongs to --access service'],
  [{ access: 'service', callers: ['coordinator'] }, 'The caller coordinator is none of the other services'],
  [{ access: 'service', callers: ['shop'] }, 'The caller shop is none of the other services'],
  [
    { access: 'service', callers: ['auth'], way: 'command', name: 'get_item' },
    'Nobody waits for the reply of a durable command',
  ],
  [{ access: 'service', callers: ['auth'], http: 'POST /v1/x' }, 'A command for services has no HTTP route'],
  [{ http: 'PUT /v1/x' }, '"PUT /v1/x" is no route'],
  [{ http: 'POST /x' }, '"POST /x" is no route'],
  [{ http: 'GET /v1/x' }, 'GET is for reads, and a read is GET.'],
  [{ http: 'POST /v1/x/{player_id}' }, 'The path parameter {player_id} is no field of the command; it has name.'],
  [{ name: 'get_item', http: 'GET /v1/tickets/{item_id}' }, 'The route GET /v1/tickets/{item_id} is taken'],
])('%j is refused: %s', (wish, sentence) => {
  expect(() => complete(wish)).toThrow(sentence);
});

test('an unknown verb about a known noun asks for the rule, and a rule answers', () => {
  expect(() => complete({ name: 'polish_item' }, ['item'])).toThrow('The verb "polish" does not say what happens');
  expect(complete({ name: 'polish_item', rule: 'rename' }, ['item']).rule).toBe('rename');
  expect(complete({ name: 'polish_item' }).rule).toBe('add');
});

test('a second command that adds gets a route of its own', () => {
  const first = complete({});
  const contracts = [...CONTRACTS, first];
  const second = completeWish(
    { name: 'buy_item', access: 'player', way: 'rpc', callers: [] },
    { prefix: 'coordinator', knows: () => true, contracts, services: SERVICES },
  );
  expect(second.http?.path).toBe('/v1/coordinator/items/buy');
});
