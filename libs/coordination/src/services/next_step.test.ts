import { describe, expect, test } from 'vitest';
import type { MatchServer, MatchState } from '../match.ts';
import { nextStep, type StepDecision, type StepOutcome } from './next_step.ts';

const NOW = Date.UTC(2030, 0, 1);
const SERVER: MatchServer = { instanceId: 'server-1', address: 'ws://127.0.0.1:7350/', leaseId: 'lease-1' };
const INVITATION = { expires_at: '2030-01-01T00:01:00.000Z', tickets: [] };

const assigned: StepOutcome = { kind: 'assigned', server: SERVER };
const invited: StepOutcome = { kind: 'invited', invitation: INVITATION };
const unanswered: StepOutcome = { kind: 'unanswered' };
const full: StepOutcome = { kind: 'no_server', retryable: true };
const hopeless: StepOutcome = { kind: 'no_server', retryable: false };

const invite: StepDecision = { kind: 'invite', server: SERVER };
const announce: StepDecision = { kind: 'announce', server: SERVER, invitation: INVITATION };
const retry: StepDecision = { kind: 'retry' };
const wait: StepDecision = { kind: 'wait' };
const nothing: StepDecision = { kind: 'nothing' };
const call = (what: 'assign_game' | 'issue_join_tickets'): StepDecision => ({ kind: 'call', call: what });
const fail = (failure: Extract<StepDecision, { kind: 'fail' }>['failure']): StepDecision => ({ kind: 'fail', failure });

interface Row {
  readonly state: MatchState;
  readonly outcome?: StepOutcome;
  readonly inTime: StepDecision;
  readonly late: StepDecision;
}

const TABLE: readonly Row[] = [
  { state: 'allocating', inTime: call('assign_game'), late: fail('MATCH_NO_SERVER') },
  { state: 'allocating', outcome: assigned, inTime: invite, late: invite },
  { state: 'allocating', outcome: full, inTime: retry, late: fail('MATCH_NO_SERVER') },
  { state: 'allocating', outcome: hopeless, inTime: fail('MATCH_NO_SERVER'), late: fail('MATCH_NO_SERVER') },
  { state: 'allocating', outcome: unanswered, inTime: retry, late: fail('MATCH_NO_SERVER') },
  { state: 'allocating', outcome: invited, inTime: nothing, late: nothing },
  { state: 'inviting', inTime: call('issue_join_tickets'), late: fail('MATCH_INVITE_FAILED') },
  { state: 'inviting', outcome: invited, inTime: announce, late: announce },
  { state: 'inviting', outcome: unanswered, inTime: retry, late: fail('MATCH_INVITE_FAILED') },
  { state: 'inviting', outcome: assigned, inTime: nothing, late: nothing },
  { state: 'inviting', outcome: full, inTime: nothing, late: nothing },
  { state: 'joining', inTime: wait, late: fail('MATCH_PLAYER_ABSENT') },
  { state: 'joining', outcome: invited, inTime: nothing, late: nothing },
  { state: 'running', inTime: wait, late: fail('MATCH_RESULT_MISSING') },
  { state: 'running', outcome: assigned, inTime: nothing, late: nothing },
  { state: 'ended', inTime: nothing, late: nothing },
  { state: 'failed', inTime: nothing, late: nothing },
  { state: 'failed', outcome: assigned, inTime: nothing, late: nothing },
];

describe('the next step of a match', () => {
  for (const { state, outcome, inTime, late } of TABLE) {
    const over = state === 'ended' || state === 'failed';
    const server = state === 'allocating' ? undefined : SERVER;
    const at = (deadline: number) => ({ state, server, deadlineAt: over ? null : new Date(deadline) });

    test(`${state}, ${outcome?.kind ?? 'nothing called yet'}: ${inTime.kind} in time, ${late.kind} when it is late`, () => {
      expect(nextStep(at(NOW + 1), NOW, outcome)).toEqual(inTime);
      expect(nextStep(at(NOW), NOW, outcome)).toEqual(late);
    });
  }

  test('never calls when a call was made already', () => {
    for (const { state, outcome } of TABLE.filter((row) => row.outcome !== undefined)) {
      expect(nextStep({ state, server: SERVER, deadlineAt: new Date(NOW + 1) }, NOW, outcome).kind).not.toBe('call');
    }
  });
});
