import type { ApplyContext, CommandHandler } from '@warren/command-center';
import type { MatchStateReply, ReportResultDto } from '@warren/contracts';
import { raise } from '../coordination_errors.ts';
import type { Match, Score } from '../match.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import type { MatchEnding } from '../services/match_ending.ts';
import { lockOwnMatch } from './server_match.ts';

export interface ReportDeps {
  readonly matches: MatchRepository;
  readonly ending: MatchEnding;
}

/** Ends a running match. The same result again is answered alike, also under another key; another result is refused. */
export class ReportResultHandler implements CommandHandler<ReportResultDto, MatchStateReply> {
  readonly #deps: ReportDeps;

  constructor(deps: ReportDeps) {
    this.#deps = deps;
  }

  async apply(dto: ReportResultDto, context: ApplyContext): Promise<MatchStateReply> {
    const { matches, ending } = this.#deps;
    const match = await lockOwnMatch(matches, dto.game_id, context);
    if (match.state === 'ended' && isSameResult(match, dto)) return { game_id: match.gameId, state: 'ended' };
    if (match.state !== 'running') throw raise('COORDINATOR_MATCH_NOT_RUNNING');
    checkResult(match, dto);
    const { winner, scores, state_hash: stateHash, inputs } = dto;
    await ending.end(context.tx, context, match, { winner, scores, stateHash, inputs });
    return { game_id: match.gameId, state: 'ended' };
  }
}

/** @throws AppError COORDINATOR_RESULT_INVALID that names every fault */
function checkResult(match: Match, result: ReportResultDto): void {
  const players = new Set(match.players.map(({ player_id }) => player_id));
  const fields: { path: string; message: string }[] = [];
  if (!players.has(result.winner)) fields.push({ path: 'winner', message: 'is none of the players of the match' });
  const scored = new Set<string>();
  for (const [index, { player_id }] of result.scores.entries()) {
    const path = `scores.${index}.player_id`;
    if (!players.has(player_id)) fields.push({ path, message: 'is none of the players of the match' });
    if (scored.has(player_id)) fields.push({ path, message: 'has a score already' });
    scored.add(player_id);
  }
  if (fields.length > 0) throw raise('COORDINATOR_RESULT_INVALID', { fields });
}

function isSameResult(match: Match, result: ReportResultDto): boolean {
  return (
    match.winner === result.winner &&
    match.stateHash === result.state_hash &&
    scoreKey(match.scores) === scoreKey(result.scores)
  );
}

function scoreKey(scores: readonly Score[]): string {
  return scores
    .map(({ player_id, score }) => `${player_id}=${score}`)
    .sort()
    .join();
}
