import type { ApplyContext, HandlerFor } from '@warren/command-center';
import type { RELEASE_GAME, ReleaseGameDto, ReleaseGameReply } from '@warren/contracts';
import type { LeaseRepository } from '../repositories/lease_repository.ts';
import type { LeaseEnding } from '../services/lease_ending.ts';

interface ReleaseGameHandlerDeps {
  readonly leases: LeaseRepository;
  readonly ending: LeaseEnding;
}

/** Ends the game's lease. A repeated release says the same as the first; a game that never had a lease was not released. */
export class ReleaseGameHandler implements HandlerFor<typeof RELEASE_GAME> {
  readonly #deps: ReleaseGameHandlerDeps;

  constructor(deps: ReleaseGameHandlerDeps) {
    this.#deps = deps;
  }

  async apply(dto: ReleaseGameDto, context: ApplyContext): Promise<ReleaseGameReply> {
    const { leases, ending } = this.#deps;
    const ended = await leases.endOfGame(context.tx, dto.game_id, { state: 'released', reason: dto.reason });
    if (ended.length === 0) return { released: (await leases.latestState(context.tx, dto.game_id)) === 'released' };
    await ending.released(context.tx, context, ended, dto.reason);
    return { released: true };
  }
}
