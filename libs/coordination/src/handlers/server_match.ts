import { type ApplyContext, serverIdOf } from '@warren/command-center';
import { raise } from '../coordination_errors.ts';
import type { Match } from '../match.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';

/**
 * Locks the match that the acting game server was given.
 * @throws AppError COORDINATOR_MATCH_NOT_FOUND also for a match of another server: it learns nothing of it
 */
export async function lockOwnMatch(matches: MatchRepository, gameId: string, context: ApplyContext): Promise<Match> {
  const instanceId = serverIdOf(context.command);
  const match = await matches.lock(context.tx, gameId);
  if (match === undefined || match.server?.instanceId !== instanceId) throw raise('COORDINATOR_MATCH_NOT_FOUND');
  return match;
}
