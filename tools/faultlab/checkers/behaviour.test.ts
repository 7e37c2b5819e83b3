import { describe, expect, test } from 'vitest';
import type { Census } from '../report/census.ts';
import type { FinalState, LeaseRow } from '../report/final_state.ts';
import { reviewLog } from '../report/log_review.ts';
import type { FaultRecord } from '../schedule/play_timeline.ts';
import type { ReplicaExit } from '../system/replica.ts';
import { checkBrokerLog, checkRedeliveries } from './ack_discipline.ts';
import { checkConservation } from './conservation.ts';
import { checkAnswers, checkTimeouts } from './honesty.ts';
import { checkLeaks } from './leaks.ts';
import { type PlantedAttempt, planted, plantedStories } from './planted.ts';
import { checkExits, checkLogs } from './processes.ts';
import { checkRecovery, type RecoveryBounds } from './recovery.ts';
import { checkRolling } from './rolling.ts';
import { checkSometimes } from './sometimes.ts';
import type { Violation } from './violation.ts';

const invariants = (violations: readonly Violation[]): string[] => violations.map(({ invariant }) => invariant);

describe('conservation', () => {
  const expired: LeaseRow = {
    lease_id: 'l',
    game_id: 'g',
    instance_id: 's',
    state: 'expired',
    created_ms: 1,
    ended_ms: 2,
  };
  const heard = { service: 'coordinator', message_id: 'leases:m', command: 'allocator.lease_lost', outcome: 'ok' };
  const rest: FinalState = {
    accounts: [],
    tickets: [],
    leases: [],
    servers: [],
    inbox: [],
    outbox: { auth: 0 },
    queues: [{ name: 'auth.rpc', type: 'classic', messages: 0, consumers: 2 }],
    deadLetters: [],
  };
  const poison: PlantedAttempt = { op: 'poison', key: 'poison-1', from: 1, to: 2, ok: 'confirmed' };
  const check = (state: Partial<FinalState>, attempts: readonly PlantedAttempt[] = []): string[] =>
    invariants(checkConservation(plantedStories(attempts), { ...rest, ...state }));

  test('everything told and nothing left is fine; poison lies among the dead letters, perhaps twice', () => {
    const letter = { messageId: 'poison-1', reason: 'invalid_payload' };
    expect(check({ leases: [expired], inbox: [heard], deadLetters: [letter, letter] }, [poison])).toEqual([]);
  });

  test('an event that was lost and one that never happened are found', () => {
    expect(check({ leases: [expired] })).toEqual(['I4']);
    expect(check({ inbox: [heard] })).toEqual(['I3']);
  });

  test('rows and messages that stay are found', () => {
    expect(check({ outbox: { auth: 3 } })).toEqual(['I4']);
    expect(check({ queues: [{ name: 'a.rpc', type: 'classic', messages: 1, consumers: 1 }] })).toEqual(['I4']);
  });

  test('poison that is gone, that the broker parked, and a good message among the dead letters are found', () => {
    expect(check({}, [poison])).toEqual(['I4']);
    expect(check({ deadLetters: [{ messageId: 'poison-1', reason: 'parked by the broker' }] }, [poison])).toEqual([
      'I4',
    ]);
    expect(check({ deadLetters: [{ messageId: 'release-1', reason: 'retries_exhausted' }] })).toEqual(['I4']);
  });
});

describe('honesty', () => {
  const attempt = (rest: Partial<PlantedAttempt>): PlantedAttempt => ({
    op: 'auth.update_account',
    key: 'a',
    from: 1,
    to: 2,
    ...rest,
  });
  const check = (attempts: readonly PlantedAttempt[], unsettled: readonly string[] = []): string[] =>
    invariants(checkAnswers(plantedStories(attempts), unsettled));

  test('an unknown outcome that became known is fine', () => {
    expect(check([attempt({}), attempt({ from: 3, to: 4, ok: 'x' })])).toEqual([]);
    expect(check([attempt({}), attempt({ from: 3, to: 4, refused: 'COORDINATOR_TICKET_ACTIVE' })])).toEqual([]);
  });

  test('an outcome that stays unknown, and a call that never succeeds, are found', () => {
    expect(check([attempt({})])).toEqual(['I5']);
    expect(check([{ op: 'x', key: 'a', from: 1 }])).toEqual(['I5']);
    expect(check([attempt({ fail: 'SERVICE_UNAVAILABLE' })], ['a'])).toEqual(['I6']);
  });

  test('two answers to one key are found', () => {
    expect(check([attempt({ ok: 'x' }), attempt({ from: 3, to: 4, ok: 'y' })])).toEqual(['I5']);
    const refused = attempt({ from: 3, to: 4, refused: 'COORDINATOR_TICKET_ACTIVE' });
    expect(check([attempt({ ok: 'x' }), refused])).toEqual(['I5']);
    expect(check([attempt({ refused: 'REQUEST_INVALID' })])).toEqual(['I5']);
  });

  test('a timeout before its time is found', () => {
    const timeout = (to: number): PlantedAttempt => ({ op: 'x', key: 'a', from: 0, to, info: 'SERVICE_TIMEOUT' });
    expect(invariants(checkTimeouts(planted([timeout(5_010)])))).toEqual([]);
    expect(invariants(checkTimeouts(planted([timeout(40)])))).toEqual(['I5']);
  });
});

describe('recovery', () => {
  const bounds: RecoveryBounds = { firstSuccessMs: 2_000, calmAfterMs: 1_000, calmSuccess: 0.95, slowdown: 3 };
  const fault = (begunAt: number, healedAt: number, failure?: string): FaultRecord => ({
    id: 1,
    atMs: begunAt,
    kind: 'net.drop',
    target: 'x',
    holdMs: healedAt - begunAt,
    begunAt,
    healedAt,
    ...(failure === undefined ? {} : { failure }),
  });
  const at = (from: number, took = 10, ok = true): PlantedAttempt => ({
    op: 'x',
    key: `k${from}`,
    from,
    to: from + took,
    ...(ok ? { ok: 1 } : { fail: 'SERVICE_UNAVAILABLE' }),
  });
  const every = (
    begin: number,
    end: number,
    step: number,
    { took = 10, ok = true }: { readonly took?: number; readonly ok?: boolean } = {},
  ): PlantedAttempt[] =>
    Array.from({ length: Math.ceil((end - begin) / step) }, (_, index) => at(begin + index * step, took, ok));
  const check = (attempts: readonly PlantedAttempt[], faults: readonly FaultRecord[]): string[] =>
    invariants(checkRecovery(planted(attempts), faults, bounds));

  test('a success soon after the heal is fine', () => {
    expect(check([...every(0, 5_000, 20), ...every(6_500, 12_000, 20)], [fault(5_000, 6_000)])).toEqual([]);
  });

  test('a success that comes too late is found, unless another fault came between', () => {
    const late = [...every(0, 5_000, 20), ...every(6_500, 9_000, 20, { ok: false }), ...every(9_001, 12_000, 20)];
    expect(check(late, [fault(5_000, 6_000)])).toContain('I6');
    expect(check(late, [fault(5_000, 6_000), fault(6_500, 8_900)])).toEqual([]);
  });

  test('attempts that fail in calm, and answers that stay slow, are found', () => {
    const shaky = [
      ...every(0, 5_000, 20),
      at(6_001),
      ...every(8_000, 20_000, 20),
      ...every(8_005, 20_000, 100, { ok: false }),
    ];
    expect(check(shaky, [fault(5_000, 6_000)])).toEqual(['I6']);
    const slow = [...every(0, 5_000, 20), at(6_001), ...every(8_000, 20_000, 20, { took: 1_900 })];
    expect(check(slow, [fault(5_000, 6_000)])).toEqual(['I6']);
  });

  test('a fault that the lab could not make spoils the run', () => {
    expect(check(every(0, 12_000, 20), [fault(5_000, 6_000, 'no such queue')])).toEqual(['LAB']);
  });
});

describe('a rolling restart', () => {
  const term = (begunAt: number, rest: Partial<FaultRecord> = {}): FaultRecord => ({
    id: 1,
    atMs: 0,
    kind: 'process.term',
    target: 'auth-0',
    holdMs: 0,
    begunAt,
    healedAt: begunAt + 1_000,
    ...rest,
  });
  const lost = planted([{ op: 'x', key: 'a', from: 5_000, to: 10_001, info: 'SERVICE_TIMEOUT' }]);

  test('answers that never come are found, unless another fault explains them', () => {
    expect(invariants(checkRolling(lost, [term(5_100)]))).toEqual(['I6']);
    expect(checkRolling(lost, [term(5_100), term(7_000, { id: 2, kind: 'net.drop' })])).toEqual([]);
    expect(checkRolling(lost, [term(20_000)])).toEqual([]);
    const stale = planted([{ op: 'x', key: 'a', from: 5_000, to: 5_200, info: 'STALE_CONNECTION' }]);
    expect(checkRolling(stale, [term(5_100)])).toEqual([]);
  });
});

describe('leaks', () => {
  const census = (rest: Partial<Census> = {}): Census => ({
    connections: 16,
    channels: 40,
    consumers: 30,
    prefetch: {},
    sessions: 20,
    replicas: { 'auth-0': { descriptors: 40, rssBytes: 150 * 1024 * 1024 } },
    ...rest,
  });

  test('what is back where it was is fine', () => {
    expect(checkLeaks(census(), census())).toEqual([]);
  });

  test.each([
    ['a connection', { connections: 17 }],
    ['a channel', { channels: 41 }],
    ['a consumer that is gone', { consumers: 29 }],
    ['sessions', { sessions: 90 }],
    ['descriptors', { replicas: { 'auth-0': { descriptors: 400, rssBytes: 1 } } }],
    ['memory', { replicas: { 'auth-0': { descriptors: 40, rssBytes: 900 * 1024 * 1024 } } }],
    ['a process that is gone', { replicas: {} }],
  ])('%s is found', (_, after) => {
    expect(checkLeaks(census(), census(after))).toHaveLength(1);
  });
});

describe('processes and logs', () => {
  const exit = (rest: Partial<ReplicaExit>): ReplicaExit => ({
    replica: 'auth-0',
    pid: 1,
    code: 0,
    signal: null,
    expected: true,
    tookMs: 100,
    at: 0,
    ...rest,
  });

  test('ends that the lab asked for are fine', () => {
    expect(checkExits([exit({}), exit({ code: null, signal: 'SIGKILL' })])).toEqual([]);
  });

  test('a crash, an end in disorder and a slow end are found', () => {
    expect(invariants(checkExits([exit({ code: 1, expected: false })]))).toEqual(['I8']);
    expect(invariants(checkExits([exit({ code: 1 })]))).toEqual(['I8']);
    expect(invariants(checkExits([exit({ tookMs: 20_000 })]))).toEqual(['I8']);
  });

  const line = (level: string, msg: string, time = '2026-01-02T03:04:05.000Z'): string =>
    JSON.stringify({ level, time, pid: 1, msg });

  test('a quiet log is fine, with what the lab itself makes Node say', () => {
    const text = [line('info', 'ready'), line('warn', 'no connection to the broker')].join('\n');
    expect(checkLogs([reviewLog('auth-0', text, '(node:12) ExperimentalWarning: something\n')])).toEqual([]);
  });

  test('fatal and unhandled lines, no JSON, standard error and a flood are found', () => {
    for (const text of [line('fatal', 'x'), line('error', 'unhandledRejection'), 'Segmentation fault'])
      expect(invariants(checkLogs([reviewLog('a', text, '')]))).toEqual(['I8']);
    expect(invariants(checkLogs([reviewLog('a', '', 'Error: boom')]))).toEqual(['I8']);
    const flood = Array.from({ length: 200 }, () => line('warn', 'again')).join('\n');
    expect(invariants(checkLogs([reviewLog('a', flood, '')]))).toEqual(['I14']);
  });
});

describe('the broker', () => {
  test('an ack on the wrong channel is found in the log of the broker', () => {
    expect(checkBrokerLog('2026 [info] accepting AMQP connection')).toEqual([]);
    const said = 'operation basic.ack caused a channel exception precondition_failed: "unknown delivery tag 7"';
    expect(invariants(checkBrokerLog(said))).toEqual(['I9']);
  });

  test('redeliveries that no loss explains are found', () => {
    expect(checkRedeliveries({ redelivered: 100, handedBack: 4, inHand: 96 })).toEqual([]);
    expect(invariants(checkRedeliveries({ redelivered: 101, handedBack: 4, inHand: 96 }))).toEqual(['I4']);
  });

  test('a run that never met what it is for is found', () => {
    expect(checkSometimes({ redelivered: 3 }, ['redelivered'])).toEqual([]);
    expect(invariants(checkSometimes({ redelivered: 0 }, ['redelivered', 'parked']))).toEqual([
      'SOMETIMES',
      'SOMETIMES',
    ]);
  });
});
