import { type ApplyContext, type CommandContext, type HandlerFor, serverIdOf } from '@warren/command-center';
import {
  ALLOCATOR_ERRORS,
  type Assignment,
  type REPORT_HEARTBEAT,
  type ReportHeartbeatDto,
  type ReportHeartbeatReply,
} from '@warren/contracts';
import { errorFactory, toAppError } from '@warren/kernel';
import { type AllocationSettings, MISSING_GAME_SECONDS, touchAfterSeconds } from '../allocation_settings.ts';
import type { LeaseRepository, ServerLease } from '../repositories/lease_repository.ts';
import type { SampleRepository } from '../repositories/sample_repository.ts';
import type { ServerRepository } from '../repositories/server_repository.ts';
import type { LeaseEnding } from '../services/lease_ending.ts';
import { reviewGames } from '../services/review_games.ts';

const raise = errorFactory(ALLOCATOR_ERRORS);

interface ReportHeartbeatHandlerDeps {
  readonly servers: ServerRepository;
  readonly leases: LeaseRepository;
  readonly samples: SampleRepository;
  readonly ending: LeaseEnding;
  readonly settings: AllocationSettings;
}

/**
 * Takes a server's sign of life and answers with everything that it has to run, so that one which missed a push catches
 * up. A server that was given up has to register again.
 */
export class ReportHeartbeatHandler implements HandlerFor<typeof REPORT_HEARTBEAT> {
  readonly #deps: ReportHeartbeatHandlerDeps;

  constructor(deps: ReportHeartbeatHandlerDeps) {
    this.#deps = deps;
  }

  async prepare(dto: ReportHeartbeatDto, context: CommandContext): Promise<undefined> {
    const instanceId = serverIdOf(context);
    try {
      await this.#deps.samples.write(instanceId, { cpu: dto.cpu, ram: dto.ram, games: dto.games.length });
    } catch (cause) {
      // the sign of life counts without the metrics: a server must not be lost because Redis is
      context.logger.warn({ err: toAppError(cause), instance: instanceId }, 'server metrics cannot be written');
    }
  }

  async apply(dto: ReportHeartbeatDto, context: ApplyContext): Promise<ReportHeartbeatReply> {
    const { servers, leases, settings } = this.#deps;
    const { tx } = context;
    const instanceId = serverIdOf(context.command);
    const server = await servers.find(tx, instanceId, touchAfterSeconds(settings));
    if (server === undefined) throw raise('ALLOCATOR_SERVER_UNKNOWN');
    const review = reviewGames(await leases.listOfServer(tx, instanceId, MISSING_GAME_SECONDS), dto.games);
    await leases.markMissing(tx, review.missing, true);
    await leases.markMissing(tx, review.back, false);
    await this.#giveUp(review.gone, context);
    // last, because servers are locked after leases; see freePlaces
    if (server.touchDue) await servers.touch(tx, instanceId);
    return { draining: server.state === 'draining', assignments: review.assignments.map(toAssignment) };
  }

  async #giveUp(leaseIds: readonly string[], context: ApplyContext): Promise<void> {
    if (leaseIds.length === 0) return;
    const ended = await this.#deps.leases.endThese(context.tx, leaseIds, { state: 'lost', reason: 'server_lost' });
    await this.#deps.ending.lost(context.tx, context, ended, 'server_lost');
    context.command.logger.warn({ leases: ended.map((lease) => lease.leaseId) }, 'games no longer run on their server');
  }
}

function toAssignment(lease: ServerLease): Assignment {
  return {
    game_id: lease.gameId,
    lease_id: lease.leaseId,
    state: lease.state,
    expires_at: lease.expiresAt?.toISOString() ?? null,
    match: lease.match,
  };
}
