import { AssignGameDto, type MatchFailure, type MatchReply } from '@warren/contracts';
import * as z from 'zod';

export type MatchState = MatchReply['state'];
export type LiveState = Exclude<MatchState, 'ended' | 'failed'>;
export type Score = MatchReply['scores'][number];

/** `settings` of a mode: what is asked of the game server. */
export const ModeSettings = z.object({ resource_level: AssignGameDto.shape.settings.unwrap().shape.resource_level });

/** What a match goes by, copied when it is made, so that a changed mode leaves running matches alone. */
export const MatchRules = ModeSettings.extend({ join_timeout_ms: z.int().min(1), result_timeout_ms: z.int().min(1) });
export type MatchRules = z.output<typeof MatchRules>;

interface MatchPlayer {
  readonly player_id: string;
  readonly slot: number;
  readonly joined: boolean;
}

/** Where a match is played. */
export interface MatchServer {
  readonly instanceId: string;
  readonly address: string;
  readonly leaseId: string;
}

/** One match as its row says. */
export interface Match {
  readonly gameId: string;
  readonly mode: string;
  readonly state: MatchState;
  /** Changes with every state: message id of the state's call, and the guard of every commit of its outcome. */
  readonly stepKey: string;
  /** Times that the present state's step was begun. */
  readonly stepAttempts: number;
  /** End of the present state's time limit; null when the match is over. */
  readonly deadlineAt: Date | null;
  readonly server: MatchServer | undefined;
  readonly players: readonly MatchPlayer[];
  readonly seed: number;
  readonly rules: MatchRules;
  /** traceparent of the request that completed the match: every hop of the match belongs to this trace. */
  readonly trace: string;
  readonly winner: string | null;
  readonly scores: readonly Score[];
  readonly stateHash: string | null;
  readonly failure: MatchFailure | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
  /** The database's clock when the row was read. */
  readonly readAt: Date;
}
