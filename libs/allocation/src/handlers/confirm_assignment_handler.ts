import { type ApplyContext, type HandlerFor, serverIdOf } from '@warren/command-center';
import {
  ALLOCATOR_ERRORS,
  type Assignment,
  type CONFIRM_ASSIGNMENT,
  type ConfirmAssignmentDto,
} from '@warren/contracts';
import { errorFactory } from '@warren/kernel';
import type { LeaseRepository } from '../repositories/lease_repository.ts';

const raise = errorFactory(ALLOCATOR_ERRORS);

interface ConfirmAssignmentHandlerDeps {
  readonly leases: LeaseRepository;
}

/** From here on the lease lives with its server's heartbeats. A repeated confirm gets the same answer. */
export class ConfirmAssignmentHandler implements HandlerFor<typeof CONFIRM_ASSIGNMENT> {
  readonly #deps: ConfirmAssignmentHandlerDeps;

  constructor(deps: ConfirmAssignmentHandlerDeps) {
    this.#deps = deps;
  }

  async apply(dto: ConfirmAssignmentDto, context: ApplyContext): Promise<Assignment> {
    const { leases } = this.#deps;
    const owned = { leaseId: dto.lease_id, gameId: dto.game_id, instanceId: serverIdOf(context.command) };
    const match = await leases.confirm(context.tx, owned);
    if (match !== undefined) return { ...dto, state: 'confirmed', expires_at: null, match };
    const known = await leases.findOwned(context.tx, owned);
    if (known === undefined) throw raise('ALLOCATOR_LEASE_UNKNOWN');
    if (known.state !== 'confirmed') throw raise('ALLOCATOR_LEASE_ENDED');
    return { ...dto, state: 'confirmed', expires_at: null, match: known.match };
  }
}
