import { randomUUID } from 'node:crypto';
import { type DtoOf, defineContract, defineEvent } from '@warren/contracts';
import { AppError, type Clock, Container, silentLogger, systemClock, systemRng, token } from '@warren/kernel';
import { Database, migrate, sql, tables } from '@warren/postgres';
import {
  type BrokerIdentity,
  ConfirmedPublisher,
  declareExchanges,
  declareServiceTopology,
  RabbitLink,
  RpcClient,
  RpcReplier,
  userOf,
} from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import {
  type FaultProxy,
  faultProxy,
  type TempDatabase,
  type TempVhost,
  tempDatabase,
  tempVhost,
} from '@warren/testing';
import * as z from 'zod';
import {
  type ApplyContext,
  BaseMicroserviceListener,
  type CommandContext,
  CommandOrchestrator,
  command,
  commandCenterMigrations,
  defineRegistry,
  type HandlerFor,
  type ListenerDeps,
  type ListenerPlan,
  listenerDeps,
  OutboxRelay,
  planListeners,
  type ServiceRegistry,
  UnitOfWork,
  type ValidatedCommand,
} from '../src/index.ts';
import { type RawChannel, rawChannel } from './raw_channel.ts';

export { nextOf, pause, type RawChannel, until, untilAborted } from './raw_channel.ts';

export const logger = silentLogger();

/** What a test wants of the service: its handler, by the `how` of the command. */
export const WORK = defineContract({
  name: 'allocator.do_work',
  summary: 'Does what the test says.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['coordinator'] },
  ways: ['rpc', 'command'],
  dto: z.object({ how: z.string(), text: z.string().max(200_000).default('') }),
  reply: z.object({ done: z.string(), count: z.number().default(0) }),
  errors: {},
  idempotency: 'inbox',
  deadlineMs: 5_000,
});

export const PLAYER_WORK = defineContract({
  ...WORK,
  name: 'allocator.play_work',
  access: { kind: 'player' },
  ways: ['rpc'],
  idempotency: 'read',
});

export const WORK_DONE = defineEvent({
  name: 'allocator.lease_lost',
  summary: 'Some work was done.',
  payload: z.object({ text: z.string() }),
});

export type Work = (dto: DtoOf<typeof WORK>, context: ApplyContext) => Promise<{ done: string; count?: number }>;

export const WORK_HANDLER = token<HandlerFor<typeof WORK>>('test.work');
const PLAYER_HANDLER = token<HandlerFor<typeof PLAYER_WORK>>('test.player_work');

export const refused = (): AppError =>
  new AppError('ALLOCATOR_REFUSED', 'No.', { kind: 'conflict', retryAfterSeconds: 3 });
export const broken = (): AppError =>
  new AppError('SERVICE_UNAVAILABLE', 'Not now.', { kind: 'unavailable', retryable: true });

/** Adds a row, which only a commit makes visible. */
export async function leaveMark(context: ApplyContext, text: string): Promise<void> {
  await sql`INSERT INTO marks (text) VALUES (${text})`.execute(tables(context.tx));
}

/** Keeps a long transaction awake: Postgres ends one that is idle. */
export async function touch(context: ApplyContext): Promise<void> {
  await sql`SELECT 1`.execute(tables(context.tx));
}

class TestListener extends BaseMicroserviceListener {
  readonly #orchestrator: CommandOrchestrator;

  constructor(deps: ListenerDeps, orchestrator: CommandOrchestrator) {
    super(deps);
    this.#orchestrator = orchestrator;
  }

  protected override processSingleCommand(work: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return this.#orchestrator.execute(work, context);
  }
}

const migrations = {
  schema: 'testing',
  migrations: {
    ...commandCenterMigrations,
    '0001_marks': {
      up: async (db: Parameters<(typeof commandCenterMigrations)[string]['up']>[0]) =>
        void (await sql`CREATE TABLE marks (text text NOT NULL)`.execute(db)),
    },
  },
};

export interface ServiceOptions {
  readonly maxConcurrentTasks?: number;
  readonly commandProcessingTimeoutMs?: number;
  readonly registry?: Partial<ServiceRegistry>;
  readonly container?: (container: Container) => void;
  readonly plans?: readonly ListenerPlan[];
  readonly url?: string;
  /** How long a command may wait for a connection to Postgres. */
  readonly connectMs?: number;
  readonly prefix?: string;
  readonly clock?: Clock;
  /** False leaves all queues undeclared but those that are consumed. */
  readonly topology?: boolean;
}

/** One process of the service under test. */
export interface TestService {
  readonly listeners: readonly BaseMicroserviceListener[];
  readonly relay: OutboxRelay;
  readonly unitOfWork: UnitOfWork;
  readonly database: Database;
  readonly metrics: Metrics;
  readonly stop: () => Promise<void>;
}

/** A vhost, a database, and what talks to the service under test. Everything opened is closed last first. */
export class Kit {
  readonly vhost: TempVhost;
  readonly temp: TempDatabase;
  /** What WORK does, by its `how`. */
  readonly works = new Map<string, Work>();
  readonly #stack = new AsyncDisposableStack();

  constructor(vhost: TempVhost, temp: TempDatabase) {
    this.vhost = vhost;
    this.temp = temp;
  }

  static async open(): Promise<Kit> {
    const [vhost, temp] = await Promise.all([tempVhost(), tempDatabase()]);
    await Promise.all([declareExchanges(vhost.url), migrate(temp.url, migrations, { role: temp.user })]);
    const kit = new Kit(vhost, temp);
    kit.defer(() => Promise.all([vhost.drop(), temp.drop()]));
    kit.works.set('echo', async (dto) => ({ done: dto.text }));
    return kit;
  }

  defer(close: () => Promise<unknown>): void {
    this.#stack.defer(async () => void (await close()));
  }

  close(): Promise<void> {
    return this.#stack.disposeAsync();
  }

  /** A proxy before the broker of the URL. */
  async proxy(url: string = this.vhost.url): Promise<FaultProxy> {
    const { hostname, port } = new URL(url);
    const proxy = await faultProxy({ target: { host: hostname, port: Number(port || 5672) } });
    this.defer(() => proxy.close());
    return proxy;
  }

  async link(role: 'publish' | 'consume', url: string = this.vhost.url): Promise<RabbitLink> {
    const link = new RabbitLink({ url, role, name: `test.${role}`, logger, metrics: new Metrics('test') });
    this.defer(() => link.stop());
    link.start();
    await link.ready(10_000);
    return link;
  }

  /** A way to the broker that can be cut, and the URL that takes it. */
  async proxied(): Promise<{ proxy: FaultProxy; url: string }> {
    const { hostname, port } = new URL(this.vhost.url);
    const proxy = await faultProxy({ target: { host: hostname, port: Number(port || 5672) } });
    this.defer(() => proxy.close());
    return { proxy, url: proxy.through(this.vhost.url) };
  }

  /** Another service: calls and sends. */
  async caller(
    prefix = 'coordinator',
    url: string = this.vhost.url,
  ): Promise<{ rpc: RpcClient; publisher: ConfirmedPublisher; raw: RawChannel }> {
    const publishLink = await this.link('publish', url);
    const shared = { prefix, logger, metrics: new Metrics(prefix) };
    const rpc = new RpcClient({ ...shared, publishLink, user: publishLink.user, instance: randomUUID() });
    await rpc.start();
    this.defer(() => rpc.stop());
    const publisher = new ConfirmedPublisher({ ...shared, link: publishLink });
    this.defer(() => publisher.stop(100));
    return { rpc, publisher, raw: await rawChannel(publishLink) };
  }

  database(connectMs?: number): Database {
    const database = new Database({
      url: this.temp.url,
      schema: 'testing',
      logger,
      metrics: new Metrics('test'),
      max: 16,
      ...(connectMs === undefined ? {} : { timeouts: { connectMs } }),
    });
    this.defer(() => database.close());
    return database;
  }

  /** A replica of the service, with its listeners consuming and its outbox relay running. */
  async service(options: ServiceOptions = {}): Promise<TestService> {
    const url = options.url ?? this.vhost.url;
    const prefix = options.prefix ?? 'allocator';
    const metrics = new Metrics(prefix);
    const shared = { logger, metrics, clock: options.clock ?? systemClock, rng: systemRng, prefix };
    const [publishLink, consumeLink] = await Promise.all([this.link('publish', url), this.link('consume', url)]);
    if (options.topology !== false) await declareServiceTopology(consumeLink, prefix);
    const database = this.database(options.connectMs);
    const publisher = new ConfirmedPublisher({ ...shared, link: publishLink });
    const relay = new OutboxRelay({ ...shared, database, publisher, publishLink });
    const unitOfWork = new UnitOfWork({ database, onOutbox: () => relay.wake() });
    const orchestrator = new CommandOrchestrator({ database, unitOfWork, idempotencyKey: Buffer.alloc(32, 7) });
    const replier = new RpcReplier({ link: publishLink, logger, metrics });
    const container = this.#container(options);
    const registry = registryOf(prefix, options);
    const user: BrokerIdentity = userOf(url, prefix);
    const own = { database, instance: randomUUID() };
    const resources = { ...shared, ...own, registry, container, consumeLink, publisher, replier, user };
    const plans = options.plans ?? planListeners(registry);
    const listeners = plans.map((plan) => new TestListener(listenerDeps(plan, resources), orchestrator));
    for (const listener of listeners) await listener.start();
    relay.start();
    let stopped: Promise<void> | undefined;
    const stop = async (): Promise<void> => {
      await Promise.all(listeners.map((listener) => listener.stop()));
      await relay.stop();
      await publisher.stop(500);
      await replier.stop();
      await Promise.all([publishLink.stop(), consumeLink.stop()]);
    };
    const service = { listeners, relay, unitOfWork, database, metrics, stop: () => (stopped ??= stop()) };
    this.defer(service.stop);
    return service;
  }

  #container(options: ServiceOptions): Container {
    const container = new Container();
    const run: Work = (dto, context) => {
      const work = this.works.get(dto.how);
      if (work === undefined) throw new TypeError(`the test has no work "${dto.how}"`);
      return work(dto, context);
    };
    container.value(WORK_HANDLER, { apply: run }).value(PLAYER_HANDLER, { apply: run });
    options.container?.(container);
    return container;
  }

  async marks(): Promise<string[]> {
    this.#reader ??= this.database();
    const { rows } = await sql<{ text: string }>`SELECT text FROM marks`.execute(tables(this.#reader.read));
    return rows.map((row) => row.text).sort();
  }

  async count(table: 'inbox' | 'outbox'): Promise<number> {
    this.#reader ??= this.database();
    const count = sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql.table(table)}`;
    return (await count.execute(tables(this.#reader.read))).rows[0]?.n ?? -1;
  }

  #reader: Database | undefined;
}

function registryOf(prefix: string, options: ServiceOptions): ServiceRegistry {
  return defineRegistry({
    prefix,
    maxConcurrentTasks: options.maxConcurrentTasks ?? 8,
    commandProcessingTimeoutMs: options.commandProcessingTimeoutMs ?? 10_000,
    commands: [command(WORK, WORK_HANDLER), command(PLAYER_WORK, PLAYER_HANDLER)],
    events: [],
    ...options.registry,
  });
}
