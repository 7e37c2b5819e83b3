import {
  CONTRACTS,
  CREATE_TICKET,
  defineContract,
  GET_JWKS,
  GET_TICKET,
  LOGIN,
  REGISTER,
  REPORT_JOIN,
} from '@warren/contracts';
import { systemClock } from '@warren/kernel';
import { expect, test } from 'vitest';
import { checkAccess } from '../src/caller/access_rule.ts';
import { LocalLimiter } from '../src/caller/local_limiter.ts';
import { messageIdOf } from '../src/caller/message_id.ts';
import { ANONYMOUS, actorOf, type Principal, recipientOf } from '../src/caller/principal.ts';
import { networkOf } from '../src/caller/rate_limits.ts';

const player: Principal = { kind: 'player', id: 'p1', sessionId: 's1', roles: ['player'], expiresAt: 0 };
const other: Principal = { ...player, id: 'p2' };
const server: Principal = { kind: 'server', id: 'eu-1', expiresAt: 0 };
const ADMIN_ONLY = defineContract({ ...CREATE_TICKET, access: { kind: 'player', roles: ['admin', 'support'] } });

const verdict = (...args: Parameters<typeof checkAccess>): string => {
  try {
    checkAccess(...args);
    return 'ok';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'thrown';
  }
};

test.each([
  ['anybody may log in', LOGIN, ANONYMOUS, 'ok'],
  ['a player may log in again', LOGIN, player, 'ok'],
  ['a stranger may not create a ticket', CREATE_TICKET, ANONYMOUS, 'ACCESS_UNAUTHENTICATED'],
  ['a player may', CREATE_TICKET, player, 'ok'],
  ['a game server may not', CREATE_TICKET, server, 'ACCESS_FORBIDDEN'],
  ['a player may not report for a server', REPORT_JOIN, player, 'ACCESS_FORBIDDEN'],
  ['a server may', REPORT_JOIN, server, 'ok'],
  ['a player without the role may not', ADMIN_ONLY, player, 'ACCESS_FORBIDDEN'],
  ['a player with one of the roles may', ADMIN_ONLY, { ...player, roles: ['support'] }, 'ok'],
  ['an internal command does not exist outside', GET_JWKS, player, 'COMMAND_UNKNOWN'],
] as const)('Access: %s', (_title, contract, caller, expected) => {
  expect(verdict(contract, caller)).toBe(expected);
});

test('No internal contract is open to anybody outside', () => {
  const reachable = CONTRACTS.filter((contract) => contract.exposure === 'internal').flatMap((contract) =>
    [ANONYMOUS, player, server].filter((caller) => verdict(contract, caller) !== 'COMMAND_UNKNOWN'),
  );
  expect(reachable).toEqual([]);
});

test('A message id is the same for the same caller, command and key, and differs when one of them does', () => {
  const info = { idempotencyKey: 'key-00001' };
  const id = messageIdOf(CREATE_TICKET, player, info);
  expect(messageIdOf(CREATE_TICKET, player, info)).toBe(id);
  const others = [
    messageIdOf(CREATE_TICKET, other, info),
    messageIdOf(CREATE_TICKET, { ...server, id: 'p1' }, info),
    messageIdOf(REPORT_JOIN, player, info),
    messageIdOf(CREATE_TICKET, player, { idempotencyKey: 'key-00002' }),
  ];
  expect(new Set([id, ...others]).size).toBe(5);
});

test('Two devices without an account do not share ids for one key', () => {
  const key = { idempotencyKey: 'key-00001' };
  const a = messageIdOf(REGISTER, ANONYMOUS, { ...key, deviceNonce: 'device-aaaa' });
  expect(messageIdOf(REGISTER, ANONYMOUS, { ...key, deviceNonce: 'device-aaaa' })).toBe(a);
  expect(messageIdOf(REGISTER, ANONYMOUS, { ...key, deviceNonce: 'device-bbbb' })).not.toBe(a);
});

test('A command with a stored reply needs a key, and from a stranger a nonce too', () => {
  expect(() => messageIdOf(CREATE_TICKET, player, {})).toThrow(/Idempotency-Key/);
  expect(() => messageIdOf(REGISTER, ANONYMOUS, { idempotencyKey: 'key-00001' })).toThrow(/Warren-Device-Nonce/);
  expect(messageIdOf(GET_TICKET, player, {})).not.toBe(messageIdOf(GET_TICKET, player, {}));
});

test.each(['short', 'x'.repeat(129), 'with space', 'naïve-key', 'tab\tkey-1'])(
  'The key %j is refused',
  (idempotencyKey) => {
    expect(() => messageIdOf(CREATE_TICKET, player, { idempotencyKey })).toThrow(/8 to 128 visible/);
  },
);

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('The network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test('The local limiter allows the limit at once and then as time passes', () => {
  let now = 1_000;
  const limiter = new LocalLimiter({ ...systemClock, monotonicMs: () => now });
  const rate = { limit: 3, windowMs: 3_000 };
  const take = () => limiter.take('k', rate).allowed;
  expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
  expect(limiter.take('k', rate).retryAfterMs).toBe(1_000);
  now += 1_000;
  expect([take(), take()]).toEqual([true, false]);
  expect(limiter.take('other', rate).allowed).toBe(true);
});

test('Principals become actors and recipients', () => {
  expect(actorOf(player)).toEqual({ kind: 'player', id: 'p1', sessionId: 's1', roles: ['player'] });
  expect(actorOf(server)).toEqual({ kind: 'server', id: 'eu-1' });
  expect(actorOf(ANONYMOUS)).toEqual({ kind: 'anonymous' });
  expect([recipientOf(player), recipientOf(server)]).toEqual(['player:p1', 'server:eu-1']);
});
