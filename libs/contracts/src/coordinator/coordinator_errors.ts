import type { ContractErrors } from '../contract.ts';

export const COORDINATOR_ERRORS = {
  COORDINATOR_MODE_UNKNOWN: { kind: 'invalid', message: 'There is no such game mode.', retryable: false },
  COORDINATOR_TICKET_ACTIVE: { kind: 'conflict', message: 'You already have an active ticket.', retryable: false },
  COORDINATOR_TICKET_NOT_FOUND: { kind: 'not_found', message: 'There is no such ticket.', retryable: false },
  COORDINATOR_TICKET_MATCHED: {
    kind: 'conflict',
    message: 'The ticket is matched already and cannot be cancelled.',
    retryable: false,
  },
  COORDINATOR_MATCH_NOT_FOUND: { kind: 'not_found', message: 'There is no such match.', retryable: false },
  COORDINATOR_MATCH_NOT_RUNNING: { kind: 'conflict', message: 'The match is not running.', retryable: false },
  COORDINATOR_RESULT_INVALID: { kind: 'invalid', message: 'The result does not fit the match.', retryable: false },
} as const satisfies ContractErrors;

/** Why a match ended without a result: the `code` of `match.failed`. */
export const MATCH_FAILURES = {
  MATCH_NO_SERVER: 'No game server had a free place in time.',
  MATCH_INVITE_FAILED: 'The join tickets of the match could not be issued in time.',
  MATCH_SERVER_SILENT: 'The game server did not confirm the match in time.',
  MATCH_SERVER_LOST: 'The game server went away during the match.',
  MATCH_PLAYER_ABSENT: 'A player did not join in time.',
  MATCH_RESULT_MISSING: 'The game server reported no result in time.',
  MATCH_ABORTED: 'The game server gave the match up.',
} as const;

export type MatchFailure = keyof typeof MATCH_FAILURES;
