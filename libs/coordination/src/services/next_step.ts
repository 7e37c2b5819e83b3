import type { MatchFailure } from '@warren/contracts';
import type { Match, MatchServer } from '../match.ts';
import type { Invitation } from './match_calls.ts';

/** What the call of a step ended in. `unanswered`: refused, unreachable or too late, so that its effect is unknown. */
export type StepOutcome =
  | { readonly kind: 'assigned'; readonly server: MatchServer }
  | { readonly kind: 'no_server'; readonly retryable: boolean }
  | { readonly kind: 'invited'; readonly invitation: Invitation }
  | { readonly kind: 'unanswered' };

export type StepDecision =
  /** A call has to be made before more can be said. */
  | { readonly kind: 'call'; readonly call: 'assign_game' | 'issue_join_tickets' }
  /** Allocating is done: go on to inviting. */
  | { readonly kind: 'invite'; readonly server: MatchServer }
  /** Inviting is done: tell the players, go on to joining. */
  | { readonly kind: 'announce'; readonly server: MatchServer; readonly invitation: Invitation }
  /** The same step again, after a while. */
  | { readonly kind: 'retry' }
  /** Only the game server moves the match on; look again when its time is over. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'fail'; readonly failure: MatchFailure }
  /** The match is over, or the outcome is none of its present step. */
  | { readonly kind: 'nothing' };

type StepMatch = Pick<Match, 'state' | 'deadlineAt' | 'server'>;

const NOTHING: StepDecision = { kind: 'nothing' };

/**
 * What a match does next: pure, so that the whole saga is a table. Asked once when a step begins and, when the answer is
 * `call`, once more with the call's outcome.
 * @param nowMs the database's clock, epoch milliseconds
 */
export function nextStep(match: StepMatch, nowMs: number, outcome?: StepOutcome): StepDecision {
  const late = match.deadlineAt !== null && nowMs >= match.deadlineAt.getTime();
  switch (match.state) {
    case 'allocating':
      return allocating(late, outcome);
    case 'inviting':
      return inviting(match.server, late, outcome);
    case 'joining':
      return waiting(late, 'MATCH_PLAYER_ABSENT', outcome);
    case 'running':
      return waiting(late, 'MATCH_RESULT_MISSING', outcome);
    case 'ended':
    case 'failed':
      return NOTHING;
    default:
      return match.state satisfies never;
  }
}

function allocating(late: boolean, outcome: StepOutcome | undefined): StepDecision {
  // a server that was found a moment too late is still a server: players would rather play
  if (outcome?.kind === 'assigned') return { kind: 'invite', server: outcome.server };
  if (outcome?.kind === 'invited') return NOTHING;
  const hopeless = outcome?.kind === 'no_server' && !outcome.retryable;
  if (late || hopeless) return { kind: 'fail', failure: 'MATCH_NO_SERVER' };
  return outcome === undefined ? { kind: 'call', call: 'assign_game' } : { kind: 'retry' };
}

function inviting(server: MatchServer | undefined, late: boolean, outcome: StepOutcome | undefined): StepDecision {
  if (outcome?.kind === 'assigned' || outcome?.kind === 'no_server' || server === undefined) return NOTHING;
  if (outcome?.kind === 'invited') return { kind: 'announce', server, invitation: outcome.invitation };
  if (late) return { kind: 'fail', failure: 'MATCH_INVITE_FAILED' };
  return outcome === undefined ? { kind: 'call', call: 'issue_join_tickets' } : { kind: 'retry' };
}

function waiting(late: boolean, failure: MatchFailure, outcome: StepOutcome | undefined): StepDecision {
  if (outcome !== undefined) return NOTHING;
  return late ? { kind: 'fail', failure } : { kind: 'wait' };
}
