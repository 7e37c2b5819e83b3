import { type HandlerFor, RESOURCE } from '@warren/command-center';
import type {
  ASSIGN_GAME,
  CONFIRM_ASSIGNMENT,
  DRAIN_SERVER,
  REGISTER_SERVER,
  RELEASE_GAME,
  REPORT_HEARTBEAT,
} from '@warren/contracts';
import { type Container, token } from '@warren/kernel';
import type { AllocationSettings } from './allocation_settings.ts';
import { AssignGameHandler } from './handlers/assign_game_handler.ts';
import { ConfirmAssignmentHandler } from './handlers/confirm_assignment_handler.ts';
import { DrainServerHandler } from './handlers/drain_server_handler.ts';
import { RegisterServerHandler } from './handlers/register_server_handler.ts';
import { ReleaseGameHandler } from './handlers/release_game_handler.ts';
import { ReportHeartbeatHandler } from './handlers/report_heartbeat_handler.ts';
import { AllocationOrchestrator } from './orchestrators/allocation_orchestrator.ts';
import { LeaseRepository } from './repositories/lease_repository.ts';
import { SampleRepository } from './repositories/sample_repository.ts';
import { ServerRepository } from './repositories/server_repository.ts';
import { AddressPolicy } from './services/address_policy.ts';
import { LeaseEnding } from './services/lease_ending.ts';
import { LeaseSweeper } from './services/lease_sweeper.ts';
import type { Candidate } from './services/pick_server.ts';
import { HeartbeatDirectory, type ServerDirectory } from './services/server_directory.ts';

/** What the app binds and starts. */
export const ALLOCATION = {
  assignGame: token<HandlerFor<typeof ASSIGN_GAME, readonly Candidate[]>>('allocation.assign_game'),
  releaseGame: token<HandlerFor<typeof RELEASE_GAME>>('allocation.release_game'),
  registerServer: token<HandlerFor<typeof REGISTER_SERVER>>('allocation.register_server'),
  reportHeartbeat: token<HandlerFor<typeof REPORT_HEARTBEAT>>('allocation.report_heartbeat'),
  confirmAssignment: token<HandlerFor<typeof CONFIRM_ASSIGNMENT>>('allocation.confirm_assignment'),
  drainServer: token<HandlerFor<typeof DRAIN_SERVER>>('allocation.drain_server'),
  orchestrator: token<AllocationOrchestrator>('allocation.orchestrator'),
  sweeper: token<LeaseSweeper>('allocation.sweeper'),
  /** Given by the app: whether heartbeats can reach this process now. While they cannot, nobody is called silent. */
  hearing: token<() => boolean>('allocation.hearing'),
} as const;

const PART = {
  servers: token<ServerRepository>('allocation.servers'),
  leases: token<LeaseRepository>('allocation.leases'),
  samples: token<SampleRepository>('allocation.samples'),
  ending: token<LeaseEnding>('allocation.ending'),
  directory: token<ServerDirectory>('allocation.directory'),
} as const;

/**
 * Registers everything of the domain but ALLOCATION.hearing, which the app gives.
 * @throws AppError SETTINGS_INVALID when the allowed addresses cannot be read
 */
export function registerAllocation(container: Container, settings: AllocationSettings): void {
  registerParts(container, settings);
  registerFleetHandlers(container, settings);
  registerGameHandlers(container, settings);
  container.register(
    ALLOCATION.orchestrator,
    (from) =>
      new AllocationOrchestrator({
        database: from.resolve(RESOURCE.database),
        unitOfWork: from.resolve(RESOURCE.unitOfWork),
        idempotencyKey: from.resolve(RESOURCE.idempotencyKey),
      }),
  );
  container.register(
    ALLOCATION.sweeper,
    (from) =>
      new LeaseSweeper({
        unitOfWork: from.resolve(RESOURCE.unitOfWork),
        servers: from.resolve(PART.servers),
        leases: from.resolve(PART.leases),
        ending: from.resolve(PART.ending),
        settings,
        hearing: from.resolve(ALLOCATION.hearing),
        clock: from.resolve(RESOURCE.clock),
        logger: from.resolve(RESOURCE.logger),
        metrics: from.resolve(RESOURCE.metrics),
      }),
  );
}

function registerParts(container: Container, settings: AllocationSettings): void {
  container.register(PART.servers, () => new ServerRepository());
  container.register(PART.leases, () => new LeaseRepository());
  container.register(PART.samples, (from) => new SampleRepository(from.resolve(RESOURCE.redis)));
  container.register(
    PART.ending,
    (from) => new LeaseEnding({ servers: from.resolve(PART.servers), metrics: from.resolve(RESOURCE.metrics) }),
  );
  container.register(
    PART.directory,
    (from) =>
      new HeartbeatDirectory({
        database: from.resolve(RESOURCE.database),
        servers: from.resolve(PART.servers),
        samples: from.resolve(PART.samples),
        settings,
        logger: from.resolve(RESOURCE.logger),
        metrics: from.resolve(RESOURCE.metrics),
      }),
  );
}

/** What game servers say of themselves. */
function registerFleetHandlers(container: Container, settings: AllocationSettings): void {
  const addresses = new AddressPolicy(settings.allowedAddresses);
  container.register(
    ALLOCATION.registerServer,
    (from) => new RegisterServerHandler({ servers: from.resolve(PART.servers), addresses }),
  );
  container.register(
    ALLOCATION.reportHeartbeat,
    (from) =>
      new ReportHeartbeatHandler({
        servers: from.resolve(PART.servers),
        leases: from.resolve(PART.leases),
        samples: from.resolve(PART.samples),
        ending: from.resolve(PART.ending),
        settings,
      }),
  );
  container.register(
    ALLOCATION.confirmAssignment,
    (from) => new ConfirmAssignmentHandler({ leases: from.resolve(PART.leases) }),
  );
  container.register(ALLOCATION.drainServer, (from) => new DrainServerHandler({ servers: from.resolve(PART.servers) }));
}

/** What the owner of a game asks for. */
function registerGameHandlers(container: Container, settings: AllocationSettings): void {
  container.register(
    ALLOCATION.assignGame,
    (from) =>
      new AssignGameHandler({
        directory: from.resolve(PART.directory),
        servers: from.resolve(PART.servers),
        leases: from.resolve(PART.leases),
        ending: from.resolve(PART.ending),
        settings,
        rng: from.resolve(RESOURCE.rng),
        metrics: from.resolve(RESOURCE.metrics),
      }),
  );
  container.register(
    ALLOCATION.releaseGame,
    (from) => new ReleaseGameHandler({ leases: from.resolve(PART.leases), ending: from.resolve(PART.ending) }),
  );
}
