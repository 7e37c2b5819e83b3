import type { ApplyContext, HandlerFor } from '@warren/command-center';
import {
  type ASSIGN_GAME,
  type AssignGameDto,
  type AssignGameReply,
  COMMON_ERRORS,
  GAME_ASSIGNED,
} from '@warren/contracts';
import { errorFactory, newId, type Rng } from '@warren/kernel';
import type { Counter, Metrics } from '@warren/telemetry';
import { type AllocationSettings, FRESH_SAMPLE_MS } from '../allocation_settings.ts';
import type { LeaseRepository, LiveLease } from '../repositories/lease_repository.ts';
import type { ServerRepository } from '../repositories/server_repository.ts';
import type { LeaseEnding } from '../services/lease_ending.ts';
import { type Candidate, pickServer } from '../services/pick_server.ts';
import type { ServerDirectory } from '../services/server_directory.ts';

/** `code` of the reply when no server has a free place. The same call may be sent again. */
const NO_SERVER = 'ALLOCATOR_NO_SERVER';

/** A lease may end between two looks at it, but not again and again: a game has few leases in its life. */
const MAX_ROUNDS = 4;

/** Chosen servers that turn out to be full, one after the other, before the decision is given up. */
const MAX_PLACE_TRIES = 32;

const raise = errorFactory(COMMON_ERRORS);

interface AssignGameHandlerDeps {
  readonly directory: ServerDirectory;
  readonly servers: ServerRepository;
  readonly leases: LeaseRepository;
  readonly ending: LeaseEnding;
  readonly settings: AllocationSettings;
  readonly rng: Rng;
  readonly metrics: Metrics;
}

/** One request while it is decided: candidates change as servers turn out to be full. */
interface Decision {
  readonly dto: AssignGameDto;
  readonly context: ApplyContext;
  candidates: readonly Candidate[];
  /** This transaction has freed a place, and so it holds a server. */
  holdsServer: boolean;
}

interface Reservation {
  readonly leaseId: string;
  readonly instanceId: string;
  readonly expiresAt: Date;
}

/**
 * Reserves a place for a game. The lease row is the game's lock: it is written before the place is taken, so that two
 * requests for one game meet at its unique index and one transaction never holds a server while it waits for a game.
 */
export class AssignGameHandler implements HandlerFor<typeof ASSIGN_GAME, readonly Candidate[]> {
  readonly #deps: AssignGameHandlerDeps;
  readonly #assigned: Counter;

  constructor(deps: AssignGameHandlerDeps) {
    this.#deps = deps;
    this.#assigned = deps.metrics.counter('warren_allocator_assignments_total', 'Answers to assign_game.', ['outcome']);
  }

  prepare(): Promise<readonly Candidate[]> {
    return this.#deps.directory.candidates();
  }

  async apply(dto: AssignGameDto, context: ApplyContext, candidates: readonly Candidate[]): Promise<AssignGameReply> {
    const decision: Decision = { dto, context, candidates, holdsServer: false };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const instanceId = this.#pick(decision);
      const placed = instanceId === null ? undefined : await this.#assignNew(decision, instanceId);
      if (placed !== undefined) return placed;
      const live = await this.#deps.leases.findLive(context.tx, dto.game_id);
      if (live !== undefined && !live.overdue) return this.#repeat(live);
      if (live !== undefined) await this.#endOverdue(decision, live);
      else if (instanceId === null) return this.#refuse();
    }
    throw raise('SERVICE_OVERLOADED', { message: 'The game is being released and assigned over and over. Try again.' });
  }

  /** @returns undefined when the game has a live lease */
  async #assignNew(decision: Decision, instanceId: string): Promise<AssignGameReply | undefined> {
    const { dto, context } = decision;
    const leaseId = newId();
    const expiresAt = await this.#deps.leases.reserve(context.tx, {
      leaseId,
      gameId: dto.game_id,
      instanceId,
      resourceLevel: dto.settings.resource_level,
      match: dto.match,
      ttlSeconds: this.#deps.settings.leaseTtlSeconds,
    });
    if (expiresAt === undefined) return undefined;
    return this.#takePlace(decision, { leaseId, instanceId, expiresAt });
  }

  async #takePlace(decision: Decision, reservation: Reservation): Promise<AssignGameReply> {
    const { tx } = decision.context;
    const { leases, servers } = this.#deps;
    let instanceId: string | null = reservation.instanceId;
    for (let tries = 0; instanceId !== null && tries < MAX_PLACE_TRIES; tries++) {
      const take = decision.holdsServer ? servers.takeIdlePlace(tx, instanceId) : servers.takePlace(tx, instanceId);
      const address = await take;
      if (address !== undefined) {
        if (instanceId !== reservation.instanceId) await leases.moveTo(tx, reservation.leaseId, instanceId);
        return this.#announce(decision, { ...reservation, instanceId }, address);
      }
      setUsed(decision, instanceId, ({ capacity }) => capacity);
      instanceId = this.#pick(decision);
    }
    await leases.discard(tx, reservation.leaseId);
    return this.#refuse();
  }

  #announce({ dto, context }: Decision, reservation: Reservation, address: string): AssignGameReply {
    const { leaseId, instanceId } = reservation;
    const expires_at = reservation.expiresAt.toISOString();
    context.push(GAME_ASSIGNED, `server:${instanceId}`, {
      game_id: dto.game_id,
      lease_id: leaseId,
      state: 'reserved',
      expires_at,
      match: dto.match,
    });
    this.#assigned.inc({ outcome: 'assigned' });
    context.command.logger.info({ game: dto.game_id, instance: instanceId, lease: leaseId }, 'game assigned');
    return { success: true, instance_id: instanceId, address, lease_id: leaseId, expires_at };
  }

  /** Ends a reservation that ran out, before the sweeper does; its place may serve this very request. */
  async #endOverdue(decision: Decision, live: LiveLease): Promise<void> {
    const { context } = decision;
    const ended = await this.#deps.leases.endThese(context.tx, [live.leaseId], {
      state: 'expired',
      reason: 'confirm_timeout',
    });
    await this.#deps.ending.lost(context.tx, context, ended, 'confirm_timeout');
    decision.holdsServer = true;
    setUsed(decision, live.instanceId, ({ used }) => Math.max(0, used - 1));
  }

  #repeat(live: LiveLease): AssignGameReply {
    this.#assigned.inc({ outcome: 'repeated' });
    const expires_at = live.expiresAt?.toISOString() ?? null;
    return { success: true, instance_id: live.instanceId, address: live.address, lease_id: live.leaseId, expires_at };
  }

  #pick({ dto, context, candidates }: Decision): string | null {
    const request = { resourceLevel: dto.settings.resource_level, freshWithinMs: FRESH_SAMPLE_MS };
    const { choice, reasons } = pickServer(candidates, request, this.#deps.rng);
    context.command.logger.debug({ game: dto.game_id, choice, reasons }, 'server picked');
    return choice;
  }

  #refuse(): AssignGameReply {
    this.#assigned.inc({ outcome: 'no_server' });
    return { success: false, code: NO_SERVER, retryable: true };
  }
}

/** What the transaction has learned of a server since the candidates were read. */
function setUsed(decision: Decision, instanceId: string, used: (candidate: Candidate) => number): void {
  decision.candidates = decision.candidates.map((candidate) =>
    candidate.instanceId === instanceId ? { ...candidate, used: used(candidate) } : candidate,
  );
}
