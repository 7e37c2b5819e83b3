import { digest } from '@warren/kernel';
import { describe, expect, test } from 'vitest';
import type { AccountRow, InboxRow, LeaseRow, TicketRow } from '../report/final_state.ts';
import { checkAccounts } from './account_effects.ts';
import { checkInbox } from './inbox_effects.ts';
import { checkLeases } from './lease_effects.ts';
import { type PlantedAttempt, plantedStories } from './planted.ts';
import { checkTickets } from './ticket_effects.ts';
import type { Violation } from './violation.ts';

const invariants = (violations: readonly Violation[]): string[] => violations.map(({ invariant }) => invariant);
const ID = (digit: number): string => `${digit}0000000-0000-4000-8000-000000000000`;

describe('effects on accounts', () => {
  const account = (version: number, name: string): AccountRow => ({ id: ID(1), version, display_name: name });
  const change = (key: string, from: number, rest: Partial<PlantedAttempt>): PlantedAttempt => ({
    process: ID(1),
    op: 'auth.update_account',
    key,
    from,
    to: from + 1,
    ...rest,
  });
  const reply = (version: number, name: string): object => ({ account_id: ID(1), version, display_name: name });
  const check = (attempts: readonly PlantedAttempt[], row: AccountRow): string[] =>
    invariants(checkAccounts(plantedStories(attempts), [row]));

  const two = [change('a', 1, { ok: reply(1, 'a') }), change('b', 3, { ok: reply(2, 'b') })];

  test('two changes that happened once each are fine', () => {
    expect(check(two, account(2, 'b'))).toEqual([]);
  });

  test('a repeated answer and an unknown one that was done are fine', () => {
    const repeated = [change('a', 1, {}), change('a', 5, { ok: reply(1, 'a') }), change('a', 7, { ok: reply(1, 'a') })];
    expect(check(repeated, account(1, 'a'))).toEqual([]);
    expect(check([change('a', 1, {})], account(1, 'a'))).toEqual([]);
    expect(check([change('a', 1, {})], account(0, 'old'))).toEqual([]);
  });

  test('an acknowledged change that is gone is a loss', () => {
    expect(check(two, account(1, 'a'))).toContain('I1');
  });

  test('a change that happened twice is found although both answers are right', () => {
    expect(check(two, account(3, 'b'))).toEqual(['I2']);
  });

  test('a denied change that happened is found', () => {
    expect(check([change('a', 1, { fail: 'SERVICE_UNAVAILABLE' })], account(1, 'a'))).toEqual(['I2']);
  });

  test('two changes with one version are a lost update', () => {
    const same = [change('a', 1, { ok: reply(1, 'a') }), change('b', 3, { ok: reply(1, 'b') })];
    expect(check(same, account(2, 'b'))).toEqual(['I1']);
  });

  test('a name that is not that of the last change is found', () => {
    expect(check(two, account(2, 'a'))).toEqual(['I1']);
  });

  test('a change that happened before one that was known earlier is found', () => {
    const turned = [change('a', 1, { ok: reply(2, 'a') }), change('b', 3, { ok: reply(1, 'b') })];
    expect(check(turned, account(2, 'a'))).toEqual(['I13']);
    const atOnce = [change('a', 1, { to: 9, ok: reply(2, 'a') }), change('b', 3, { ok: reply(1, 'b') })];
    expect(check(atOnce, account(2, 'a'))).toEqual([]);
  });
});

describe('effects on tickets', () => {
  const ticket = (id: string, tag: string, state = 'active'): TicketRow => ({
    id,
    client_tag: tag,
    player_id: ID(1),
    state,
  });
  const reply = (id: string, state = 'active'): object => ({
    ticket_id: id,
    mode: 'crowd',
    client_tag: '',
    state,
    game_id: null,
    created_at: '2026-01-02T03:04:05.000Z',
  });
  const create = (key: string, rest: Partial<PlantedAttempt>): PlantedAttempt => ({
    op: 'coordinator.create_ticket',
    key,
    from: 1,
    to: 2,
    ...rest,
  });
  const cancel = (key: string, id: string): PlantedAttempt => ({
    op: 'coordinator.cancel_ticket',
    key,
    from: 3,
    to: 4,
    ok: reply(id, 'cancelled'),
  });
  const check = (attempts: readonly PlantedAttempt[], rows: readonly TicketRow[]): string[] =>
    invariants(checkTickets(plantedStories(attempts), rows));

  test('a ticket that was made and cancelled is fine, and an unknown one may be there or not', () => {
    const attempts = [create('t1', { ok: reply(ID(2)) }), cancel('c1', ID(2)), create('t2', {})];
    expect(check(attempts, [ticket(ID(2), 't1', 'cancelled')])).toEqual([]);
    expect(check(attempts, [ticket(ID(2), 't1', 'cancelled'), ticket(ID(3), 't2')])).toEqual([]);
  });

  test('a missing, a double, a foreign, a denied and a phantom ticket are found', () => {
    expect(check([create('t1', { ok: reply(ID(2)) })], [])).toEqual(['I1']);
    expect(check([create('t1', { ok: reply(ID(2)) })], [ticket(ID(2), 't1'), ticket(ID(3), 't1')])).toEqual(['I2']);
    expect(check([create('t1', { ok: reply(ID(2)) })], [ticket(ID(3), 't1')])).toEqual(['I2']);
    expect(check([create('t1', { refused: 'COORDINATOR_TICKET_ACTIVE' })], [ticket(ID(3), 't1')])).toEqual(['I5']);
    expect(check([], [ticket(ID(3), 'whose')])).toEqual(['I3']);
  });

  test('an acknowledged cancellation without effect is found', () => {
    const attempts = [create('t1', { ok: reply(ID(2)) }), cancel('c1', ID(2))];
    expect(check(attempts, [ticket(ID(2), 't1', 'active')])).toEqual(['I1']);
  });
});

describe('effects on leases', () => {
  const lease = (id: number, rest: Partial<LeaseRow> = {}): LeaseRow => ({
    lease_id: ID(id),
    game_id: ID(9),
    instance_id: 's',
    state: 'released',
    created_ms: 10,
    ended_ms: 20,
    ...rest,
  });
  const server = (used: number, capacity = 1) => ({ instance_id: 's', used, capacity });
  const assign = (rest: Partial<PlantedAttempt> = {}): PlantedAttempt => ({
    op: 'allocator.assign_game',
    key: `assign-1.${ID(9)}`,
    from: 1,
    to: 2,
    ok: { success: true, instance_id: 's', address: 'ws://h:1', lease_id: ID(1), expires_at: null },
    ...rest,
  });
  const release: PlantedAttempt = {
    op: 'allocator.release_game:command',
    key: `release-1.${ID(9)}`,
    from: 3,
    to: 4,
    ok: 'confirmed',
  };
  const check = (attempts: readonly PlantedAttempt[], rows: readonly LeaseRow[], used = 0): string[] =>
    invariants(checkLeases(plantedStories(attempts), rows, [server(used)]));

  test('a game that was assigned and released is fine, also one that got a second lease later', () => {
    expect(check([assign(), release], [lease(1)])).toEqual([]);
    expect(check([assign()], [lease(1), lease(2, { created_ms: 20, ended_ms: 30, state: 'expired' })])).toEqual([]);
  });

  test('two leases of a game at one time are found', () => {
    expect(check([assign()], [lease(1), lease(2, { created_ms: 15, ended_ms: 30 })])).toEqual(['I11', 'I11']);
  });

  test('a server with more games than places, and one that has lost count, are found', () => {
    const other = lease(2, { game_id: ID(8), created_ms: 12, ended_ms: 18 });
    const second = assign({ key: `assign-2.${ID(8)}`, ok: { success: false, code: 'X', retryable: true } });
    expect(check([assign(), second], [lease(1), other])).toEqual(['I11']);
    expect(check([assign()], [lease(1)], 1)).toEqual(['I11']);
  });

  test('a lost lease, a denied one and one that nobody asked for are found', () => {
    expect(check([assign()], [])).toEqual(['I1']);
    expect(check([{ ...assign({ fail: 'SERVICE_UNAVAILABLE' }), ok: undefined }], [lease(1)])).toEqual(['I5']);
    expect(check([], [lease(1)])).toEqual(['I3']);
  });

  test('a release that the broker took and that never happened is found, even when the lease ran out', () => {
    expect(check([assign(), release], [lease(1, { state: 'lost' })])).toEqual(['I1']);
    expect(check([assign(), release], [lease(1, { state: 'confirmed', ended_ms: null })], 1)).toEqual(['I1']);
  });
});

describe('answers in the inbox', () => {
  const row = (key: string, outcome = 'ok'): InboxRow => ({
    service: 'auth',
    message_id: digest('player:p', 'auth.update_account', key),
    command: 'auth.update_account',
    outcome,
  });
  const change = (key: string, rest: Partial<PlantedAttempt>): PlantedAttempt => ({
    op: 'auth.update_account',
    key,
    from: 1,
    to: 2,
    ...rest,
  });
  const check = (attempts: readonly PlantedAttempt[], rows: readonly InboxRow[]): string[] =>
    invariants(checkInbox(plantedStories(attempts), rows));

  test('acknowledged commands have their answer, unknown ones may', () => {
    expect(check([change('a', { ok: 1 }), change('b', {})], [row('a')])).toEqual([]);
    expect(check([change('b', {})], [row('b')])).toEqual([]);
  });

  test('a missing answer, a denied effect and an effect for nobody are found', () => {
    expect(check([change('a', { ok: 1 })], [])).toEqual(['I1']);
    expect(check([change('a', { ok: 1 })], [row('a', 'refused')])).toEqual(['I1']);
    expect(check([change('a', { fail: 'SERVICE_UNAVAILABLE' })], [row('a')])).toEqual(['I5']);
    expect(check([], [row('a')])).toEqual(['I3']);
  });
});
