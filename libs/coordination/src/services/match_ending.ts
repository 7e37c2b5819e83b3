import type { Outbox } from '@warren/command-center';
import { MATCH_ENDED, MATCH_FAILED, MATCH_FAILURES, type MatchFailure, RELEASE_GAME } from '@warren/contracts';
import type { Logger } from '@warren/kernel';
import type { Tx } from '@warren/postgres';
import type { Match } from '../match.ts';
import type { MatchRepository, MatchResult } from '../repositories/match_repository.ts';
import type { TicketRepository } from '../repositories/ticket_repository.ts';
import { inMatchTrace, traceIdOf } from './match_trace.ts';

export interface MatchEndingDeps {
  readonly matches: MatchRepository;
  readonly tickets: TicketRepository;
  readonly logger: Logger;
}

/**
 * The two ends of a match, in the transaction that holds its lock. Whatever the cause, they are whole: no ticket stays
 * live, every player is told once, and the place on the game server is given back.
 */
export class MatchEnding {
  readonly #deps: MatchEndingDeps;

  constructor(deps: MatchEndingDeps) {
    this.#deps = deps;
  }

  /** Call with a locked match. Does nothing unless it runs. */
  async end(tx: Tx, outbox: Outbox, match: Match, result: MatchResult): Promise<void> {
    const { matches, tickets, logger } = this.#deps;
    const { gameId, mode } = match;
    if (!(await matches.end(tx, gameId, result))) return;
    await tickets.close(tx, gameId, 'ended');
    inMatchTrace(match, () => {
      const payload = {
        game_id: gameId,
        mode,
        winner: result.winner,
        scores: [...result.scores],
        trace_id: traceIdOf(match.trace),
      };
      for (const { player_id } of match.players) outbox.push(MATCH_ENDED, `player:${player_id}`, payload);
      outbox.send(RELEASE_GAME, { game_id: gameId, reason: 'ended' });
      logger.info({ gameId, winner: result.winner }, 'match ended');
    });
  }

  /** Call with a locked match. Does nothing when it is over already. */
  async fail(tx: Tx, outbox: Outbox, match: Match, failure: MatchFailure): Promise<void> {
    const { matches, tickets, logger } = this.#deps;
    const { gameId, mode } = match;
    if (!(await matches.fail(tx, gameId, failure))) return;
    await tickets.close(tx, gameId, 'failed');
    inMatchTrace(match, () => {
      const payload = { game_id: gameId, mode, code: failure, message: MATCH_FAILURES[failure] };
      for (const { player_id } of match.players) outbox.push(MATCH_FAILED, `player:${player_id}`, payload);
      // also without a known lease: the reply that named it may have been lost
      outbox.send(RELEASE_GAME, { game_id: gameId, reason: 'failed' });
      logger.warn({ gameId, failure, state: match.state }, 'match failed');
    });
  }
}
