import type { ApplyContext, EventHandler } from '@warren/command-center';
import type { LEASE_LOST, MatchFailure, PayloadOf } from '@warren/contracts';
import type { Match } from '../match.ts';
import type { MatchRepository } from '../repositories/match_repository.ts';
import type { MatchEnding } from '../services/match_ending.ts';
import type { ReportDeps } from './report_result_handler.ts';

type LeaseLost = PayloadOf<typeof LEASE_LOST>;

/** The game server of a match is gone, or never answered. Says nothing about matches that are over or have another lease. */
export class LeaseLostHandler implements EventHandler<LeaseLost> {
  readonly #matches: MatchRepository;
  readonly #ending: MatchEnding;

  constructor(deps: ReportDeps) {
    this.#matches = deps.matches;
    this.#ending = deps.ending;
  }

  async apply(payload: LeaseLost, context: ApplyContext): Promise<void> {
    const match = await this.#matches.lock(context.tx, payload.game_id);
    if (match === undefined || match.server?.leaseId !== payload.lease_id) return;
    const failure = failureOf(match.state, payload.reason);
    if (failure !== undefined) await this.#ending.fail(context.tx, context, match, failure);
  }
}

function failureOf(state: Match['state'], reason: LeaseLost['reason']): MatchFailure | undefined {
  if (state === 'ended' || state === 'failed') return undefined;
  if (reason === 'server_lost') return 'MATCH_SERVER_LOST';
  // a match that runs has a server that speaks, whatever became of its confirmation: its result may still come
  return state === 'running' ? undefined : 'MATCH_SERVER_SILENT';
}
