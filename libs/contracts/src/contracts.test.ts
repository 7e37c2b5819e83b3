import { expect, test } from 'vitest';
import * as z from 'zod';
import {
  AssignGameDto,
  CONTRACTS,
  CreateTicketDto,
  defineContract,
  EVENTS,
  LoginDto,
  PushMessage,
  RegisterDto,
  ReportHeartbeatDto,
  RequestFrame,
  ServerFrame,
  serviceOf,
} from './index.ts';

const ID = '6f1d3c1e-8a52-4c57-9d5c-0d1c1a2b3c4d';

test('a contract gets its version, way, limits and deadline without saying them, and cannot be changed', () => {
  const contract = defineContract({
    name: 'shop.buy_hat',
    summary: 'Buys a hat.',
    exposure: 'public',
    access: { kind: 'player' },
    dto: z.object({ hat_id: z.string() }),
    reply: z.object({}),
    errors: {},
    idempotency: 'inbox',
    limits: { ratePerMinute: 5 },
  });
  expect(contract).toMatchObject({
    version: 1,
    ways: ['rpc'],
    deadlineMs: 5_000,
    limits: { maxBytes: 16_384, ratePerMinute: 5 },
  });
  expect(Object.isFrozen(contract)).toBe(true);
});

const KEYED = {
  name: 'shop.grant_hat',
  summary: 'Gives a hat.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['shop'] },
  ways: ['command'],
  dto: z.object({ player_id: z.string(), hat_id: z.string(), token: z.string(), version: z.int() }),
  reply: z.object({}),
  errors: {},
  idempotency: 'inbox',
  key: 'player_id',
} as const;

test('a contract with a key is in sequence unless it says otherwise', () => {
  expect(defineContract(KEYED)).toMatchObject({ key: 'player_id', order: 'sequence' });
  expect(defineContract({ ...KEYED, order: 'version', ways: ['rpc', 'command'] })).toMatchObject({ order: 'version' });
});

test.each([
  [{ key: 'nobody' }, /no field "nobody"/],
  [{ key: 'token', secretFields: ['token'] } as const, /a secret for its key/],
  [{ ways: ['rpc', 'command'] } as const, /its only way is command/],
  [{ idempotency: 'natural' } as const, /its idempotency is inbox/],
  [{ order: 'version', dto: KEYED.dto.omit({ version: true }) } as const, /"version" that it lacks/],
])('a contract whose order cannot be kept is refused: %o', (change, sentence) => {
  expect(() => defineContract({ ...KEYED, ...change })).toThrow(sentence);
});

test('an order without a key is refused', () => {
  const { key: _, ...rest } = KEYED;
  expect(() => defineContract({ ...rest, order: 'version' })).toThrow('shop.grant_hat has an order and no key');
});

test('every command that carries a secret stores nothing of it', () => {
  for (const { name, secretFields, idempotency, dto } of CONTRACTS) {
    for (const field of secretFields) expect(dto.shape, name).toHaveProperty(field);
    const secretReply = ['auth.login', 'auth.refresh', 'auth.exchange_server_key', 'auth.issue_join_ticket'].includes(
      name,
    );
    if (secretReply) expect(idempotency, name).toBe('own');
  }
});

test('whatever anybody may send without a login has a small body and a low rate', () => {
  for (const { name, access, limits } of CONTRACTS) {
    if (access.kind !== 'anonymous') continue;
    expect(limits.maxBytes, name).toBeLessThanOrEqual(4_096);
    const guessable = ['auth.register', 'auth.login'].includes(name);
    expect(limits.ratePerMinute, name).toBeLessThanOrEqual(guessable ? 30 : 600);
  }
});

test('names of commands and events are a service and one word more', () => {
  for (const { name } of [...CONTRACTS, ...EVENTS]) expect(name).toBe(`${serviceOf(name)}.${name.split('.')[1] ?? ''}`);
});

test.each([
  ['a password of seven characters', { login: 'hazel', password: '1234567', display_name: 'Hazel' }],
  ['a password of 129 characters', { login: 'hazel', password: 'x'.repeat(129), display_name: 'Hazel' }],
  ['a password of more than 512 bytes', { login: 'hazel', password: '𝕏'.repeat(128) + 'x', display_name: 'Hazel' }],
  ['U+0000 in a name', { login: 'hazel', password: 'long enough', display_name: 'a\u0000b' }],
  ['half a surrogate pair', { login: 'hazel', password: 'long enough', display_name: '\ud800' }],
  ['a line break in a name', { login: 'hazel', password: 'long enough', display_name: 'a\nb' }],
  ['a mark that turns the direction of writing', { login: 'hazel', password: 'long enough', display_name: 'a\u202eb' }],
  ['an empty name', { login: 'hazel', password: 'long enough', display_name: '' }],
])('register refuses %s', (_, dto) => {
  expect(RegisterDto.safeParse(dto).success).toBe(false);
});

test('a login is only compared, so that a password of older rules still gets in', () => {
  expect(LoginDto.safeParse({ login: 'hazel', password: 'x' }).success).toBe(true);
});

test('optional fields get their defaults', () => {
  expect(CreateTicketDto.parse({ mode: 'duel' })).toEqual({ mode: 'duel', client_tag: '' });
  const match = { mode: 'duel', players: [{ player_id: ID.toUpperCase(), slot: 0 }], seed: 1 };
  const assigned = AssignGameDto.parse({ game_id: ID, match });
  expect(assigned.settings.resource_level).toBe('low');
  expect(assigned.match.players[0]?.player_id).toBe(ID);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -0.1, 1.1, '0.5'])('a load of %s is refused', (cpu) => {
  expect(ReportHeartbeatDto.safeParse({ cpu, ram: 0.5, games: [] }).success).toBe(false);
});

test('frames of clients are strict, frames of servers are told apart', () => {
  expect(RequestFrame.safeParse({ id: '1', type: 'ticket.get', payload: {}, role: 'admin' }).success).toBe(false);
  expect(RequestFrame.parse({ id: '1', type: 'ticket.get' }).payload).toEqual({});
  expect(ServerFrame.parse({ seq: 3, type: 'match.found', payload: { a: 1 } })).toEqual({
    seq: 3,
    type: 'match.found',
    payload: { a: 1 },
  });
});

test.each(['player:', 'admin:1', 'server', `player:${'x'.repeat(65)}`])('"%s" is no recipient', (recipient) => {
  expect(PushMessage.safeParse({ recipient, type: 'x', payload: {} }).success).toBe(false);
});
