import type { ApplyContext, CommandHandler } from '@warren/command-center';
import type { MatchStateReply, ReportJoinDto } from '@warren/contracts';
import type { Logger } from '@warren/kernel';
import { raise } from '../coordination_errors.ts';
import type { Match } from '../match.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import { inMatchTrace } from '../services/match_trace.ts';
import { lockOwnMatch } from './server_match.ts';

export interface ReportJoinDeps {
  readonly matches: MatchRepository;
  readonly logger: Logger;
}

/** A player is on the game server. With the last one the match runs. */
export class ReportJoinHandler implements CommandHandler<ReportJoinDto, MatchStateReply> {
  readonly #deps: ReportJoinDeps;

  constructor(deps: ReportJoinDeps) {
    this.#deps = deps;
  }

  async apply(dto: ReportJoinDto, context: ApplyContext): Promise<MatchStateReply> {
    const match = await lockOwnMatch(this.#deps.matches, dto.game_id, context);
    const player = match.players.find(({ player_id }) => player_id === dto.player_id);
    if (player === undefined) throw notAPlayer();
    if (match.state === 'running') return { game_id: match.gameId, state: 'running' };
    if (match.state !== 'joining') throw raise('COORDINATOR_MATCH_NOT_RUNNING');
    await this.#deps.matches.markJoined(context.tx, match.gameId, player.player_id);
    const complete = match.players.every((other) => other.joined || other.player_id === player.player_id);
    if (!complete) return { game_id: match.gameId, state: 'joining' };
    await this.#run(match, context);
    return { game_id: match.gameId, state: 'running' };
  }

  async #run(match: Match, context: ApplyContext): Promise<void> {
    const { matches, logger } = this.#deps;
    await matches.toWaiting(context.tx, match, {
      from: 'joining',
      to: 'running',
      limitMs: match.rules.result_timeout_ms,
    });
    inMatchTrace(match, () => logger.info({ gameId: match.gameId }, 'every player joined'));
  }
}

function notAPlayer(): Error {
  const message = 'is none of the players of the match';
  return raise('COORDINATOR_RESULT_INVALID', { fields: [{ path: 'player_id', message }] });
}
