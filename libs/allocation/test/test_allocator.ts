import { randomUUID } from 'node:crypto';
import { CommandContext, type CommandHandler, command, RESOURCE, UnitOfWork } from '@warren/command-center';
import {
  ASSIGN_GAME,
  type AssignGameReply,
  CONFIRM_ASSIGNMENT,
  type Contract,
  DRAIN_SERVER,
  type DtoOf,
  REGISTER_SERVER,
  RELEASE_GAME,
  REPORT_HEARTBEAT,
  type ReplyOf,
} from '@warren/contracts';
import { type Clock, Container, silentLogger, startTrace, systemClock, systemRng, type Token } from '@warren/kernel';
import { Database, migrate, sql, tables } from '@warren/postgres';
import type { Actor } from '@warren/rabbit';
import { RedisClient } from '@warren/redis';
import { Metrics } from '@warren/telemetry';
import { type TempDatabase, type TempRedis, tempDatabase, tempRedis } from '@warren/testing';
import * as z from 'zod';
import { ALLOCATION, registerAllocation } from '../src/allocation_container.ts';
import type { AllocationSettings } from '../src/allocation_settings.ts';
import { allocationMigrations } from '../src/migrations/allocation_migrations.ts';
import { DEVELOPMENT_ADDRESSES } from '../src/services/address_policy.ts';

const SETTINGS: AllocationSettings = {
  leaseTtlSeconds: 60,
  serverLostAfterSeconds: 15,
  allowedAddresses: DEVELOPMENT_ADDRESSES,
};

/** A listener bounds how much runs at once; a test that sends everything at once has to wait for its connections. */
const PATIENT = {
  connectMs: 20_000,
  statementMs: 20_000,
  lockMs: 20_000,
  queryMs: 21_000,
  idleInTransactionMs: 30_000,
};

const COORDINATOR: Actor = { kind: 'service', id: 'coordinator' };
interface LeaseRow {
  readonly lease_id: string;
  readonly game_id: string;
  readonly instance_id: string;
  readonly state: string;
}

const OutboxBody = z.looseObject({ lease_id: z.string().optional(), reason: z.string().optional() });
type OutboxBody = z.output<typeof OutboxBody>;

const match = (): z.input<typeof ASSIGN_GAME.dto>['match'] => ({
  mode: 'duel',
  seed: 7,
  players: [{ player_id: randomUUID(), slot: 0 }],
});

/** One allocator process: the domain's container over real servers. Several may share a database. */
export class Replica {
  readonly container = new Container();
  readonly database: Database;
  readonly redis: RedisClient;
  /** What the app says of its broker link. */
  hears = true;

  constructor(store: TestAllocator, clock: Clock = systemClock) {
    const logger = silentLogger();
    const metrics = new Metrics('allocator');
    this.database = new Database({
      url: store.temp.url,
      schema: 'allocation',
      logger,
      metrics,
      max: 12,
      timeouts: PATIENT,
    });
    this.redis = new RedisClient({ url: store.tempRedis.url, keyPrefix: store.tempRedis.keyPrefix, logger, metrics });
    this.container
      .value(RESOURCE.logger, logger)
      .value(RESOURCE.metrics, metrics)
      .value(RESOURCE.clock, clock)
      .value(RESOURCE.rng, systemRng)
      .value(RESOURCE.database, this.database)
      .value(RESOURCE.redis, this.redis)
      .value(RESOURCE.idempotencyKey, Buffer.alloc(32, 1))
      .value(RESOURCE.unitOfWork, new UnitOfWork({ database: this.database, onOutbox: () => undefined }));
    this.container.value(ALLOCATION.hearing, () => this.hears);
    registerAllocation(this.container, store.settings);
  }

  /** Runs a command as the listener would: parsed, prepared, applied, and its reply checked. */
  async run<C extends Contract, P>(
    contract: C,
    handler: Token<CommandHandler<DtoOf<C>, z.input<C['reply']>, P>>,
    dto: z.input<C['dto']>,
    actor: Actor,
  ): Promise<ReplyOf<C>> {
    const binding = command(contract, handler);
    const envelope = {
      name: contract.name,
      messageId: randomUUID(),
      attempt: 1,
      actor,
      caller: 'coordinator',
      trace: startTrace(),
      deadline: Number.MAX_SAFE_INTEGER,
    };
    const context = new CommandContext(envelope, systemClock, silentLogger());
    const validated = { binding, handler: binding.resolve(this.container), payload: contract.dto.parse(dto) };
    const reply = await this.container.resolve(ALLOCATION.orchestrator).execute(validated, context);
    return contract.reply.parse(reply) as ReplyOf<C>;
  }

  assign(gameId: string, level: 'low' | 'high' = 'low'): Promise<AssignGameReply> {
    const dto = { game_id: gameId, settings: { resource_level: level }, match: match() };
    return this.run(ASSIGN_GAME, ALLOCATION.assignGame, dto, COORDINATOR);
  }

  /** Assigns and expects a place. */
  async place(gameId: string): Promise<AssignGameReply & { success: true }> {
    const reply = await this.assign(gameId);
    if (!reply.success) throw new Error(`no server for ${gameId}`);
    return reply;
  }

  release(gameId: string): Promise<{ released: boolean }> {
    return this.run(RELEASE_GAME, ALLOCATION.releaseGame, { game_id: gameId, reason: 'ended' }, COORDINATOR);
  }

  register(instanceId: string, capacity = 10, address = 'ws://127.0.0.1:7350/'): Promise<{ instance_id: string }> {
    return this.run(
      REGISTER_SERVER,
      ALLOCATION.registerServer,
      { address, capacity },
      { kind: 'server', id: instanceId },
    );
  }

  heartbeat(
    instanceId: string,
    load: { cpu?: number; ram?: number; games?: string[] } = {},
  ): Promise<ReplyOf<typeof REPORT_HEARTBEAT>> {
    const dto = { cpu: 0.1, ram: 0.1, games: [], ...load };
    return this.run(REPORT_HEARTBEAT, ALLOCATION.reportHeartbeat, dto, { kind: 'server', id: instanceId });
  }

  confirm(instanceId: string, gameId: string, leaseId: string): Promise<ReplyOf<typeof CONFIRM_ASSIGNMENT>> {
    const dto = { game_id: gameId, lease_id: leaseId };
    return this.run(CONFIRM_ASSIGNMENT, ALLOCATION.confirmAssignment, dto, { kind: 'server', id: instanceId });
  }

  drain(instanceId: string): Promise<{ draining: true; games: number }> {
    return this.run(DRAIN_SERVER, ALLOCATION.drainServer, {}, { kind: 'server', id: instanceId });
  }

  async close(): Promise<void> {
    await this.redis.close();
    await this.database.close();
  }
}

/** A database and a Redis prefix of one test, and the replicas that work on them. */
export class TestAllocator {
  readonly temp: TempDatabase;
  readonly tempRedis: TempRedis;
  readonly settings: AllocationSettings;
  readonly #replicas: Replica[] = [];

  constructor(temp: TempDatabase, redis: TempRedis, settings: AllocationSettings) {
    this.temp = temp;
    this.tempRedis = redis;
    this.settings = settings;
  }

  static async open(settings: Partial<AllocationSettings> = {}): Promise<TestAllocator> {
    const [database, redis] = await Promise.all([tempDatabase(), tempRedis()]);
    await migrate(database.url, allocationMigrations, { role: database.user });
    return new TestAllocator(database, redis, { ...SETTINGS, ...settings });
  }

  replica(clock?: Clock): Replica {
    const replica = new Replica(this, clock);
    this.#replicas.push(replica);
    return replica;
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.close()));
    await Promise.all([this.temp.drop(), this.tempRedis.drop()]);
  }

  async query<Row>(statement: string): Promise<Row[]> {
    const [replica] = this.#replicas;
    if (replica === undefined) throw new Error('make a replica first');
    return (await sql<Row>`${sql.raw(statement)}`.execute(tables(replica.database.read))).rows;
  }

  leases(where = 'true'): Promise<LeaseRow[]> {
    return this.query(`SELECT lease_id, game_id, instance_id, state FROM leases WHERE ${where} ORDER BY epoch`);
  }

  async used(): Promise<Record<string, number>> {
    const rows = await this.query<{ instance_id: string; used: number }>(
      'SELECT instance_id, used FROM servers ORDER BY instance_id',
    );
    return Object.fromEntries(rows.map((row) => [row.instance_id, row.used]));
  }

  /** Outbox rows of one event, in the order in which they leave. */
  async outbox(event: string): Promise<OutboxBody[]> {
    const rows = await this.query<{ body: string }>(`SELECT body FROM outbox WHERE type LIKE '${event}@%' ORDER BY id`);
    return rows.map((row) => OutboxBody.parse(JSON.parse(row.body)));
  }

  /** Rows that break what must always hold; every list is empty. */
  violations(): Promise<unknown[]> {
    return this.query(`
      SELECT servers.instance_id, used, capacity, count(lease_id)::int AS live FROM servers
      LEFT JOIN leases ON leases.instance_id = servers.instance_id AND leases.state IN ('reserved', 'confirmed')
      GROUP BY servers.instance_id HAVING used <> count(lease_id) OR used > capacity OR used < 0
      UNION ALL
      SELECT game_id::text, 0, 0, count(*)::int FROM leases WHERE state IN ('reserved', 'confirmed') GROUP BY game_id HAVING count(*) > 1`);
  }
}
