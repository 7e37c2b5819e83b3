import { type ApplyContext, type CommandHandler, playerIdOf } from '@warren/command-center';
import type { GameIdDto, MatchReply } from '@warren/contracts';
import { raise } from '../coordination_errors.ts';
import type { Match } from '../match.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import { traceIdOf } from '../services/match_trace.ts';

export interface GetMatchDeps {
  readonly matches: MatchRepository;
}

/** A match that one plays or played in; any other looks like none. */
export class GetMatchHandler implements CommandHandler<GameIdDto, MatchReply> {
  readonly #matches: MatchRepository;

  constructor(deps: GetMatchDeps) {
    this.#matches = deps.matches;
  }

  async apply(dto: GameIdDto, context: ApplyContext): Promise<MatchReply> {
    const match = await this.#matches.findOfPlayer(context.tx, dto.game_id, playerIdOf(context.command));
    if (match === undefined) throw raise('COORDINATOR_MATCH_NOT_FOUND');
    return toReply(match);
  }
}

function toReply(match: Match): MatchReply {
  return {
    game_id: match.gameId,
    mode: match.mode,
    state: match.state,
    players: [...match.players],
    instance_id: match.server?.instanceId ?? null,
    winner: match.winner,
    scores: [...match.scores],
    failure: match.failure,
    trace_id: traceIdOf(match.trace),
    created_at: match.createdAt.toISOString(),
    ended_at: match.endedAt?.toISOString() ?? null,
  };
}
