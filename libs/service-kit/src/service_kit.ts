import { randomBytes } from 'node:crypto';
import { createServiceApp, type RunningService, type ServiceDefinition } from '@warren/app';
import type { Contract, ReplyOf } from '@warren/contracts';
import { newId, silentLogger } from '@warren/kernel';
import { Database, ensureRolesAndDatabase, migrate, sql, tables } from '@warren/postgres';
import { hashRabbitPassword, importDefinitions, unwrapAdminResult } from '@warren/provision';
import { type Actor, brokerDefinitions, brokerPrefixes } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import {
  readTestSettings,
  type TempDatabase,
  type TempRedis,
  type TempVhost,
  tempDatabase,
  tempRedis,
  tempVhost,
} from '@warren/testing';
import type * as z from 'zod';
import { ServiceCaller } from './service_caller.ts';

interface ServiceKitOptions {
  /** Processes' worth of the service, all in this process; 1 unless said. */
  readonly replicas?: number;
  /** Settings beyond those of the servers. A setting that ends with _KEY has 32 fresh random bytes unless given here. */
  readonly env?: Readonly<Record<string, string>>;
}

interface ServiceCallOptions {
  /** On whose behalf; the sending service itself unless said. */
  readonly actor?: Actor;
  /** The same for every repetition of one call. */
  readonly messageId?: string;
  /** The service that sends; the gateway unless said. */
  readonly from?: string;
}

interface Place {
  readonly vhost: TempVhost;
  readonly database: TempDatabase;
  readonly redis: TempRedis;
}

const PASSWORD = randomBytes(24).toString('base64url');
const KEY_BYTES = 32;
const GATEWAY = 'gateway';

export const player = (id: string = newId()): Actor & { readonly kind: 'player' } => ({
  kind: 'player',
  id,
  sessionId: newId(),
  roles: ['player'],
});
export const server = (id: string): Actor => ({ kind: 'server', id });

/**
 * One service under test: its own definition on a virtual host and a database of its own, with the broker users, rights and
 * roles of a deployment. Commands come to it as they do in production, from the gateway or from another service.
 */
export class ServiceKit {
  readonly #definition: ServiceDefinition;
  readonly #place: Place;
  readonly #env: Readonly<Record<string, string>>;
  readonly #replicas: RunningService[] = [];
  readonly #callers = new Map<string, Promise<ServiceCaller>>();
  #database: Database | undefined;

  private constructor(definition: ServiceDefinition, place: Place, env: Readonly<Record<string, string>>) {
    this.#definition = definition;
    this.#place = place;
    this.#env = { ...this.#serverSettings(), ...keysOf(definition), ...env };
  }

  /** Sets up broker and database, then starts the replicas at once. */
  static async start(definition: ServiceDefinition, options: ServiceKitOptions = {}): Promise<ServiceKit> {
    const { replicas = 1, env = {} } = options;
    const [vhost, database, redis] = await Promise.all([tempVhost(), tempDatabase(), tempRedis()]);
    const kit = new ServiceKit(definition, { vhost, database, redis }, env);
    try {
      await Promise.all([kit.#setUpBroker(), kit.#setUpDatabase()]);
      await Promise.all(Array.from({ length: replicas }, () => kit.#addReplica()));
      return kit;
    } catch (error) {
      await kit.stop();
      throw error;
    }
  }

  /** The settings that the replicas got. */
  get env(): Readonly<Record<string, string>> {
    return this.#env;
  }

  /** Calls by RPC and waits for the reply. @throws AppError the refusal of the service */
  async call<C extends Contract>(
    contract: C,
    dto: z.input<C['dto']>,
    { from = GATEWAY, ...options }: ServiceCallOptions = {},
  ): Promise<ReplyOf<C>> {
    return (await this.#caller(from)).call(contract, dto, options);
  }

  /** Sends a durable command; resolves when the broker has it. */
  async send<C extends Contract>(
    contract: C,
    dto: z.input<C['dto']>,
    { from, messageId }: { readonly from: string; readonly messageId?: string },
  ): Promise<void> {
    await (await this.#caller(from)).send(contract, dto, messageId);
  }

  /** Runs one statement with the rights of the service. */
  async rows<Row>(statement: string): Promise<readonly Row[]> {
    this.#database ??= new Database({
      url: this.#databaseUrl(this.#definition.prefix),
      schema: this.#definition.migrations?.schema ?? this.#definition.prefix,
      logger: silentLogger(),
      metrics: new Metrics('kit'),
      max: 1,
    });
    return (await sql<Row>`${sql.raw(statement)}`.execute(tables(this.#database.read))).rows;
  }

  /** Ends everything and removes it. Resolves to whether every replica ended in order. */
  async stop(): Promise<boolean> {
    const callers = await Promise.allSettled(this.#callers.values());
    for (const caller of callers) if (caller.status === 'fulfilled') await caller.value.stop();
    const ended = await Promise.all(this.#replicas.map((replica) => replica.stop()));
    await this.#database?.close();
    const { vhost, database, redis } = this.#place;
    await Promise.all([vhost.drop(), database.drop(), redis.drop()]);
    return ended.every(Boolean);
  }

  async #addReplica(): Promise<void> {
    this.#replicas.push(await createServiceApp(this.#definition, this.#env));
  }

  #caller(prefix: string): Promise<ServiceCaller> {
    const known = this.#callers.get(prefix);
    if (known !== undefined) return known;
    const caller = new ServiceCaller(this.#brokerUrl(prefix), prefix).start();
    this.#callers.set(prefix, caller);
    return caller;
  }

  #serverSettings(): Record<string, string> {
    const { prefix, needs } = this.#definition;
    const { redis } = this.#place;
    return {
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      RABBITMQ_URL: this.#brokerUrl(prefix),
      ...(needs.postgres ? { DATABASE_URL: this.#databaseUrl(prefix) } : {}),
      ...(needs.redis ? { REDIS_URL: redis.url, REDIS_KEY_PREFIX: redis.keyPrefix } : {}),
    };
  }

  #brokerUrl(prefix: string): string {
    const { vhost } = this.#place;
    return vhost.urlFor(vhost.userPrefix + prefix, PASSWORD);
  }

  #databaseUrl(role: string): string {
    const url = new URL(this.#place.database.url);
    url.username = `${this.#place.database.name}_${role}`;
    url.password = PASSWORD;
    return url.href;
  }

  async #setUpBroker(): Promise<void> {
    const { name, userPrefix } = this.#place.vhost;
    const hash = hashRabbitPassword(PASSWORD);
    const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, hash]));
    const definitions = brokerDefinitions({ vhost: name, userPrefix, passwords });
    unwrapAdminResult(await importDefinitions(readTestSettings().brokerAdmin, definitions));
  }

  async #setUpDatabase(): Promise<void> {
    const { prefix, migrations } = this.#definition;
    if (migrations === undefined) return;
    const { name, url } = this.#place.database;
    const role = `${name}_${prefix}`;
    await ensureRolesAndDatabase(url, {
      database: name,
      owner: { name: `${name}_owner`, password: PASSWORD },
      roles: [{ name: role, password: PASSWORD, schema: migrations.schema }],
    });
    await migrate(this.#databaseUrl('owner'), migrations, { role });
  }
}

/** Keys are secrets without a default: every run has its own. */
function keysOf({ settings }: ServiceDefinition): Record<string, string> {
  const names = Object.keys(settings.shape).filter((name) => name.endsWith('_KEY'));
  return Object.fromEntries(names.map((name) => [name, randomBytes(KEY_BYTES).toString('base64')]));
}
