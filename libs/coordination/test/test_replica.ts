import { randomUUID } from 'node:crypto';
import {
  CommandContext,
  type CommandHandler,
  command,
  event,
  RESOURCE,
  UnitOfWork,
  type ValidatedCommand,
} from '@warren/command-center';
import {
  CANCEL_TICKET,
  type Contract,
  CREATE_TICKET,
  type DtoOf,
  GET_MATCH,
  GET_TICKET,
  LEASE_LOST,
  type MatchReply,
  type PayloadOf,
  REPORT_FAILURE,
  REPORT_JOIN,
  REPORT_RESULT,
  type ReplyOf,
  type ReportResultDto,
  type TicketReply,
} from '@warren/contracts';
import {
  Container,
  silentLogger,
  startTrace,
  systemClock,
  systemRng,
  type Token,
  type TraceContext,
} from '@warren/kernel';
import { Database } from '@warren/postgres';
import type { Actor } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import type * as z from 'zod';
import { COORDINATION, registerCoordination } from '../src/coordination_container.ts';
import type { CoordinationSettings } from '../src/coordination_settings.ts';
import type { MatchCalls } from '../src/services/match_calls.ts';
import { INSTANCE } from './test_services.ts';

export const player = (id: string = randomUUID()): Actor & { kind: 'player' } => ({ kind: 'player', id, roles: [] });
const server = (id: string): Actor => ({ kind: 'server', id });

/** A process that dies before its n-th commit from now on: what it did outside the database is done, its row is as it was. */
class MortalUnitOfWork extends UnitOfWork {
  commitsToLive = Number.POSITIVE_INFINITY;

  override run<T>(...args: Parameters<typeof UnitOfWork.prototype.run<T>>): Promise<T> {
    if (this.commitsToLive <= 0) return Promise.reject(new Error('this process is dead'));
    this.commitsToLive--;
    return super.run(...args);
  }
}

export interface RunOptions {
  readonly messageId?: string;
  readonly trace?: TraceContext;
}

/** One coordinator process: the domain's container over a real database. Several may share one. */
export class Replica {
  readonly container = new Container();
  readonly database: Database;
  readonly unitOfWork: MortalUnitOfWork;

  constructor(url: string, settings: CoordinationSettings, services: MatchCalls) {
    const logger = silentLogger();
    const metrics = new Metrics('coordinator');
    this.database = new Database({ url, schema: 'coordination', logger, metrics, max: 8 });
    this.unitOfWork = new MortalUnitOfWork({ database: this.database, onOutbox: () => undefined });
    this.container
      .value(RESOURCE.logger, logger)
      .value(RESOURCE.metrics, metrics)
      .value(RESOURCE.clock, systemClock)
      .value(RESOURCE.rng, systemRng)
      .value(RESOURCE.database, this.database)
      .value(RESOURCE.idempotencyKey, Buffer.alloc(32, 1))
      .value(RESOURCE.unitOfWork, this.unitOfWork);
    registerCoordination(this.container, settings, services);
  }

  get matcher() {
    return this.container.resolve(COORDINATION.matcher);
  }

  get saga() {
    return this.container.resolve(COORDINATION.saga);
  }

  start(): this {
    this.matcher.start();
    this.saga.start();
    return this;
  }

  async stop(): Promise<void> {
    await this.matcher.stop();
    await this.saga.stop();
  }

  create(actor: Actor, mode = 'duel', options: RunOptions & { clientTag?: string } = {}): Promise<TicketReply> {
    return this.run(
      CREATE_TICKET,
      COORDINATION.createTicket,
      { mode, client_tag: options.clientTag ?? '' },
      actor,
      options,
    );
  }

  cancel(actor: Actor, ticketId: string): Promise<TicketReply> {
    return this.run(CANCEL_TICKET, COORDINATION.cancelTicket, { ticket_id: ticketId }, actor);
  }

  ticket(actor: Actor, ticketId: string): Promise<TicketReply> {
    return this.run(GET_TICKET, COORDINATION.getTicket, { ticket_id: ticketId }, actor);
  }

  match(actor: Actor, gameId: string): Promise<MatchReply> {
    return this.run(GET_MATCH, COORDINATION.getMatch, { game_id: gameId }, actor);
  }

  join(gameId: string, playerId: string, instance = INSTANCE) {
    return this.run(REPORT_JOIN, COORDINATION.reportJoin, { game_id: gameId, player_id: playerId }, server(instance));
  }

  result(dto: ReportResultDto, instance = INSTANCE, options: RunOptions = {}) {
    return this.run(REPORT_RESULT, COORDINATION.reportResult, dto, server(instance), options);
  }

  giveUp(gameId: string, failure: 'MATCH_ABORTED' | 'MATCH_PLAYER_ABSENT' = 'MATCH_ABORTED', instance = INSTANCE) {
    return this.run(REPORT_FAILURE, COORDINATION.reportFailure, { game_id: gameId, failure }, server(instance));
  }

  async leaseLost(payload: PayloadOf<typeof LEASE_LOST>, messageId: string = randomUUID()): Promise<void> {
    const binding = event(LEASE_LOST, 'leases', COORDINATION.leaseLost);
    const validated = { binding, handler: binding.resolve(this.container), payload: LEASE_LOST.payload.parse(payload) };
    await this.#execute(validated, { kind: 'service', id: 'allocator' }, { messageId });
  }

  /** Runs a command as the listener would: parsed, applied, and its reply checked. */
  // oxlint-disable-next-line max-params -- mirrors a call: what, by whom, with which key
  async run<C extends Contract, P>(
    contract: C,
    handler: Token<CommandHandler<DtoOf<C>, z.input<C['reply']>, P>>,
    dto: z.input<C['dto']>,
    actor: Actor,
    options: RunOptions = {},
  ): Promise<ReplyOf<C>> {
    const binding = command(contract, handler);
    const validated = { binding, handler: binding.resolve(this.container), payload: contract.dto.parse(dto) };
    return contract.reply.parse(await this.#execute(validated, actor, options)) as ReplyOf<C>;
  }

  #execute(
    validated: ValidatedCommand,
    actor: Actor,
    { messageId = randomUUID(), trace = startTrace() }: RunOptions,
  ): Promise<unknown> {
    const envelope = {
      name: validated.binding.name,
      messageId,
      attempt: 1,
      actor,
      caller: 'gateway',
      trace,
      deadline: Number.MAX_SAFE_INTEGER,
    };
    return this.container
      .resolve(COORDINATION.orchestrator)
      .execute(validated, new CommandContext(envelope, systemClock, silentLogger()));
  }
}
