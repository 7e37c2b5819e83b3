import type { ApplyContext, CommandHandler } from '@warren/command-center';
import type { MatchStateReply, ReportFailureDto } from '@warren/contracts';
import { raise } from '../coordination_errors.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import type { MatchEnding } from '../services/match_ending.ts';
import type { ReportDeps } from './report_result_handler.ts';
import { lockOwnMatch } from './server_match.ts';

/** The game server gives a match up. One that has failed already, for whatever reason, is given up already. */
export class ReportFailureHandler implements CommandHandler<ReportFailureDto, MatchStateReply> {
  readonly #matches: MatchRepository;
  readonly #ending: MatchEnding;

  constructor(deps: ReportDeps) {
    this.#matches = deps.matches;
    this.#ending = deps.ending;
  }

  async apply(dto: ReportFailureDto, context: ApplyContext): Promise<MatchStateReply> {
    const match = await lockOwnMatch(this.#matches, dto.game_id, context);
    if (match.state === 'ended') throw raise('COORDINATOR_MATCH_NOT_RUNNING');
    if (match.state !== 'failed') await this.#ending.fail(context.tx, context, match, dto.failure);
    return { game_id: match.gameId, state: 'failed' };
  }
}
