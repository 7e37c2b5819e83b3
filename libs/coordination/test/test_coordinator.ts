import { randomUUID } from 'node:crypto';
import { CommandContext, type CommandHandler, command, event, RESOURCE, UnitOfWork, type ValidatedCommand } from '@warren/command-center';
import {
  type AssignGameReply,
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
import { AppError, Container, silentLogger, startTrace, systemClock, systemRng, type Token, type TraceContext } from '@warren/kernel';
import { Database, migrate, sql, tables } from '@warren/postgres';
import type { Actor } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { type TempDatabase, tempDatabase } from '@warren/testing';
import type * as z from 'zod';
import { COORDINATION, registerCoordination } from '../src/coordination_container.ts';
import type { CoordinationSettings } from '../src/coordination_settings.ts';
import { coordinationMigrations } from '../src/migrations/coordination_migrations.ts';
import type { Invitation, MatchCallOptions, MatchCalls } from '../src/services/match_calls.ts';

/** Fast where a test waits for a retry, slow where a match must stay as it is. */
export const SETTINGS: CoordinationSettings = {
  noServerTimeoutMs: 60_000,
  inviteTimeoutMs: 60_000,
  joinTimeoutMs: 60_000,
  resultTimeoutMs: 60_000,
  stepTimeoutMs: 5_000,
  pollMs: 20,
};

const OWNER_ROLE = 'postgres';
export const INSTANCE = 'server-1';
export const ADDRESS = 'ws://127.0.0.1:7350/';

export const player = (id: string = randomUUID()): Actor & { kind: 'player' } => ({ kind: 'player', id, roles: [] });
const server = (id: string): Actor => ({ kind: 'server', id });

/** The allocator and auth-svc as matches see them: each answers what the test says, and counts. */
export class Services implements MatchCalls {
  readonly assigned: { readonly gameId: string; readonly messageId: string }[] = [];
  readonly invited: { readonly gameId: string; readonly messageId: string }[] = [];
  readonly leases = new Map<string, string>();
  onAssign: (gameId: string, attempt: number) => Promise<AssignGameReply> = (gameId) => Promise.resolve(this.place(gameId));
  onInvite: (attempt: number) => Promise<void> = () => Promise.resolve();

  /** The same game gets the same lease. */
  place(gameId: string): AssignGameReply {
    const leaseId = this.leases.get(gameId) ?? randomUUID();
    this.leases.set(gameId, leaseId);
    return { success: true, instance_id: INSTANCE, address: ADDRESS, lease_id: leaseId, expires_at: new Date(Date.now() + 60_000).toISOString() };
  }

  assignGame(dto: Parameters<MatchCalls['assignGame']>[0], options: MatchCallOptions): Promise<AssignGameReply> {
    this.assigned.push({ gameId: dto.game_id, messageId: options.messageId });
    return this.onAssign(dto.game_id, this.assigned.length);
  }

  async issueJoinTickets(dto: Parameters<MatchCalls['issueJoinTickets']>[0], options: MatchCallOptions): Promise<Invitation> {
    this.invited.push({ gameId: dto.game_id, messageId: options.messageId });
    await this.onInvite(this.invited.length);
    const tickets = dto.players.map((entry) => ({ ...entry, join_ticket: `join-${entry.player_id}` }));
    return { expires_at: new Date(Date.now() + 60_000).toISOString(), tickets };
  }
}

export const unreachable = (): AppError => new AppError('SERVICE_TIMEOUT', 'No answer in time.', { kind: 'timeout', retryable: true });

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
    return this.run(CREATE_TICKET, COORDINATION.createTicket, { mode, client_tag: options.clientTag ?? '' }, actor, options);
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

  #execute(validated: ValidatedCommand, actor: Actor, { messageId = randomUUID(), trace = startTrace() }: RunOptions): Promise<unknown> {
    const envelope = { name: validated.binding.name, messageId, attempt: 1, actor, caller: 'gateway', trace, deadline: Number.MAX_SAFE_INTEGER };
    return this.container.resolve(COORDINATION.orchestrator).execute(validated, new CommandContext(envelope, systemClock, silentLogger()));
  }
}

export interface MatchRow {
  readonly game_id: string;
  readonly state: string;
  readonly failure: string | null;
  readonly lease_id: string | null;
  readonly players: string[];
}

export interface OutboxRow {
  readonly messageId: string;
  readonly trace: string;
  readonly body: { readonly recipient: string; readonly type: string; readonly game_id?: string; readonly payload: Record<string, unknown> };
}

/** A database of one test, the services around it, and the replicas that work on it. */
export class TestCoordinator {
  readonly services = new Services();
  readonly #temp: TempDatabase;
  readonly #settings: CoordinationSettings;
  readonly #replicas: Replica[] = [];

  constructor(temp: TempDatabase, settings: CoordinationSettings) {
    this.#temp = temp;
    this.#settings = settings;
  }

  static async open(settings: Partial<CoordinationSettings> = {}): Promise<TestCoordinator> {
    const database = await tempDatabase();
    await migrate(database.url, coordinationMigrations, { role: OWNER_ROLE });
    return new TestCoordinator(database, { ...SETTINGS, ...settings });
  }

  replica(): Replica {
    const replica = new Replica(this.#temp.url, this.#settings, this.services);
    this.#replicas.push(replica);
    return replica;
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.stop()));
    await Promise.all(this.#replicas.map((replica) => replica.database.close()));
    await this.#temp.drop();
  }

  async query<Row>(statement: string): Promise<Row[]> {
    const [replica] = this.#replicas;
    if (replica === undefined) throw new Error('make a replica first');
    return (await sql<Row>`${sql.raw(statement)}`.execute(tables(replica.database.read))).rows;
  }

  matches(): Promise<MatchRow[]> {
    return this.query(`
      SELECT game_id, state, failure, lease_id,
        (SELECT array_agg(player_id::text ORDER BY slot) FROM match_players p WHERE p.game_id = m.game_id) AS players
      FROM matches m ORDER BY created_at, game_id`);
  }

  async only(): Promise<MatchRow> {
    const [match, ...others] = await this.matches();
    if (match === undefined || others.length > 0) throw new Error(`expected one match, found ${others.length + (match === undefined ? 0 : 1)}`);
    return match;
  }

  /** Waits until the one match there is has this state. */
  async until(state: string): Promise<MatchRow> {
    const giveUp = Date.now() + 10_000;
    for (;;) {
      const match = await this.only();
      if (match.state === state) return match;
      if (Date.now() > giveUp) throw new Error(`the match is ${match.state}, not ${state}`);
      await systemClock.sleep(15);
    }
  }

  /** Outbox rows of one message, in the order in which they leave. */
  async outbox(name: string): Promise<OutboxRow[]> {
    const rows = await this.query<{ message_id: string; headers: string; body: string }>(
      `SELECT message_id, headers, body FROM outbox WHERE type LIKE '${name}@%' ORDER BY id`,
    );
    return rows.map(({ message_id, headers, body }) => ({
      messageId: message_id,
      trace: String(JSON.parse(headers).traceparent ?? '').slice(3, 35),
      body: JSON.parse(body),
    }));
  }

  /** Rows that break what must always hold; every list is empty. */
  violations(): Promise<unknown[]> {
    return this.query(`
      SELECT 'live ticket of a match that is over' AS what, t.id::text AS id FROM tickets t JOIN matches m USING (game_id)
      WHERE t.state = 'matched' AND m.state IN ('ended', 'failed')
      UNION ALL
      SELECT 'player in two live matches', p.player_id::text FROM match_players p JOIN matches m USING (game_id)
      WHERE m.state NOT IN ('ended', 'failed') GROUP BY p.player_id HAVING count(*) > 1
      UNION ALL
      SELECT 'player not told once of the end', p.player_id::text FROM match_players p JOIN matches m USING (game_id)
      WHERE m.state IN ('ended', 'failed') AND (
        SELECT count(*) FROM outbox o WHERE o.type = 'coordinator.match_' || m.state || '@1'
          AND o.body::jsonb ->> 'recipient' = 'player:' || p.player_id AND o.body::jsonb -> 'payload' ->> 'game_id' = m.game_id::text) <> 1
      UNION ALL
      SELECT 'place on the game server not given back', m.game_id::text FROM matches m
      WHERE m.state IN ('ended', 'failed') AND NOT EXISTS (
        SELECT 1 FROM outbox o WHERE o.type = 'allocator.release_game@1' AND o.body::jsonb ->> 'game_id' = m.game_id::text)`);
  }
}
