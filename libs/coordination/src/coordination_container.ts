import { RESOURCE } from '@warren/command-center';
import { type Container, token } from '@warren/kernel';
import type { CoordinationSettings } from './coordination_settings.ts';
import { CancelTicketHandler } from './handlers/cancel_ticket_handler.ts';
import { CreateTicketHandler } from './handlers/create_ticket_handler.ts';
import { GetMatchHandler } from './handlers/get_match_handler.ts';
import { GetTicketHandler } from './handlers/get_ticket_handler.ts';
import { LeaseLostHandler } from './handlers/lease_lost_handler.ts';
import { ReportFailureHandler } from './handlers/report_failure_handler.ts';
import { ReportJoinHandler } from './handlers/report_join_handler.ts';
import { ReportResultHandler } from './handlers/report_result_handler.ts';
import { CoordinationOrchestrator } from './orchestrators/coordination_orchestrator.ts';
import { MatchRepository } from './repositories/match_repository.ts';
import { ModeRepository } from './repositories/mode_repository.ts';
import { TicketRepository } from './repositories/ticket_repository.ts';
import { type MatchCalls, RpcMatchCalls } from './services/match_calls.ts';
import { MatchEnding } from './services/match_ending.ts';
import { MatchSaga } from './services/match_saga.ts';
import { MatchStep } from './services/match_step.ts';
import { Matcher } from './services/matcher.ts';

/** What the app takes out of the container. */
export const COORDINATION = {
  orchestrator: token<CoordinationOrchestrator>('coordination.orchestrator'),
  matcher: token<Matcher>('coordination.matcher'),
  saga: token<MatchSaga>('coordination.saga'),
  createTicket: token<CreateTicketHandler>('coordination.create_ticket_handler'),
  cancelTicket: token<CancelTicketHandler>('coordination.cancel_ticket_handler'),
  getTicket: token<GetTicketHandler>('coordination.get_ticket_handler'),
  getMatch: token<GetMatchHandler>('coordination.get_match_handler'),
  reportJoin: token<ReportJoinHandler>('coordination.report_join_handler'),
  reportResult: token<ReportResultHandler>('coordination.report_result_handler'),
  reportFailure: token<ReportFailureHandler>('coordination.report_failure_handler'),
  leaseLost: token<LeaseLostHandler>('coordination.lease_lost_handler'),
} as const;

const CALLS = token<MatchCalls>('coordination.match_calls');
const MODES = token<ModeRepository>('coordination.mode_repository');
const TICKETS = token<TicketRepository>('coordination.ticket_repository');
const MATCHES = token<MatchRepository>('coordination.match_repository');
const ENDING = token<MatchEnding>('coordination.match_ending');

/** Registers the domain's factories. Needs every RESOURCE but redis; `calls` replaces the calls to other services. */
export function registerCoordination(container: Container, settings: CoordinationSettings, calls?: MatchCalls): void {
  container
    .register(CALLS, (c) => calls ?? new RpcMatchCalls(c.resolve(RESOURCE.rpc)))
    .register(MODES, () => new ModeRepository())
    .register(TICKETS, () => new TicketRepository())
    .register(MATCHES, () => new MatchRepository())
    .register(ENDING, (c) => new MatchEnding(shared(c)));
  registerHandlers(container);
  registerTasks(container, settings);
}

function registerHandlers(container: Container): void {
  container
    .register(COORDINATION.createTicket, (c) => new CreateTicketHandler(shared(c)))
    .register(COORDINATION.cancelTicket, (c) => new CancelTicketHandler(shared(c)))
    .register(COORDINATION.getTicket, (c) => new GetTicketHandler(shared(c)))
    .register(COORDINATION.getMatch, (c) => new GetMatchHandler(shared(c)))
    .register(COORDINATION.reportJoin, (c) => new ReportJoinHandler(shared(c)))
    .register(COORDINATION.reportResult, (c) => new ReportResultHandler(ending(c)))
    .register(COORDINATION.reportFailure, (c) => new ReportFailureHandler(ending(c)))
    .register(COORDINATION.leaseLost, (c) => new LeaseLostHandler(ending(c)));
}

function registerTasks(container: Container, settings: CoordinationSettings): void {
  container
    .register(COORDINATION.orchestrator, (c) => {
      const matcher = c.resolve(COORDINATION.matcher);
      return new CoordinationOrchestrator({
        database: c.resolve(RESOURCE.database),
        unitOfWork: c.resolve(RESOURCE.unitOfWork),
        idempotencyKey: c.resolve(RESOURCE.idempotencyKey),
        onTicket: () => matcher.wake(),
      });
    })
    .register(COORDINATION.matcher, (c) => {
      const saga = c.resolve(COORDINATION.saga);
      return new Matcher({ ...shared(c), ...task(c), settings, onMatches: () => saga.wake() });
    })
    .register(COORDINATION.saga, (c) => {
      const unitOfWork = c.resolve(RESOURCE.unitOfWork);
      const step = new MatchStep({ ...ending(c), ...task(c), unitOfWork, calls: c.resolve(CALLS), settings });
      return new MatchSaga({ ...shared(c), ...task(c), step, settings });
    });
}

const shared = (c: Container) => ({
  modes: c.resolve(MODES),
  tickets: c.resolve(TICKETS),
  matches: c.resolve(MATCHES),
  logger: c.resolve(RESOURCE.logger),
});

const ending = (c: Container) => ({ matches: c.resolve(MATCHES), ending: c.resolve(ENDING) });

const task = (c: Container) => ({
  database: c.resolve(RESOURCE.database),
  clock: c.resolve(RESOURCE.clock),
  rng: c.resolve(RESOURCE.rng),
  logger: c.resolve(RESOURCE.logger),
  metrics: c.resolve(RESOURCE.metrics),
});
