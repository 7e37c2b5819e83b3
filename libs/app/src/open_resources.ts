import { hostname } from 'node:os';
import { AppError, type Logger, newSecret, systemClock, systemRng } from '@warren/kernel';
import { Database } from '@warren/postgres';
import { type BrokerIdentity, ConfirmedPublisher, RabbitLink, RpcClient, userOf } from '@warren/rabbit';
import { RedisClient } from '@warren/redis';
import type { Metrics } from '@warren/telemetry';
import type { BaseSettings, PostgresSettings, RedisSettings } from './base_settings.ts';
import { checkSchema } from './check_schema.ts';
import type { Health } from './health.ts';
import type { Lifecycle } from './lifecycle.ts';
import { namingSetting } from './naming_setting.ts';
import { type Patience, persist } from './persist.ts';
import type { ServiceDefinition, ServiceResources } from './service_definition.ts';
import { StoreProbe } from './store_probe.ts';

export interface OpenDeps {
  readonly definition: ServiceDefinition;
  readonly settings: BaseSettings & Partial<PostgresSettings> & Partial<RedisSettings>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly lifecycle: Lifecycle;
  /** What is left of BOOT_TIMEOUT_MS. */
  readonly patience: Patience;
}

/** Confirms that are under way at the end get this long. */
const PUBLISHER_FLUSH_MS = 1_000;
/** One try of the probe to meet a connection that is being made. */
const REDIS_READY_MS = 1_000;

/** Opens stores, then the two broker links, then what works over them. All waits together are bounded by BOOT_TIMEOUT_MS. */
export async function openResources(deps: OpenDeps): Promise<ServiceResources> {
  const { settings, logger, metrics, health } = deps;
  const instance = `${hostname()
    .replace(/[^a-zA-Z0-9-]/g, '-')
    .slice(0, 40)}-${process.pid}-${newSecret(4)}`;
  const user = brokerUser(deps);
  const database = await openDatabase(deps);
  const redis = await openRedis(deps);
  const publishLink = await openLink(deps, 'publish', instance);
  const consumeLink = await openLink(deps, 'consume', instance);
  const prefix = deps.definition.prefix;
  const publisher = new ConfirmedPublisher({ link: publishLink, prefix, logger, metrics });
  deps.lifecycle.onClose('confirmed publisher', () => publisher.stop(PUBLISHER_FLUSH_MS));
  const rpc = new RpcClient({ publishLink, user: user.user, prefix, instance, logger, metrics });
  return {
    settings,
    logger,
    metrics,
    clock: systemClock,
    rng: systemRng,
    health,
    instance,
    user,
    publishLink,
    consumeLink,
    publisher,
    rpc,
    database,
    redis,
  };
}

function brokerUser(deps: OpenDeps): BrokerIdentity {
  const { settings, logger, definition } = deps;
  const user = userOf(settings.RABBITMQ_URL, definition.prefix);
  if (!user.singleUser) return user;
  if (settings.NODE_ENV === 'production') {
    throw new AppError(
      'SETTINGS_INVALID',
      `RABBITMQ_URL: the user name must end with "${definition.prefix}" in production, so that the broker can tell services apart.`,
      { kind: 'internal' },
    );
  }
  logger.warn('all services share one broker user: senders of messages are not checked (development only)');
  return user;
}

async function openDatabase(deps: OpenDeps): Promise<Database | undefined> {
  const { definition, settings, logger, metrics, lifecycle } = deps;
  if (!definition.needs.postgres) return undefined;
  const { DATABASE_URL: url, DATABASE_POOL_MAX: max, DATABASE_MIGRATE, NODE_ENV } = settings;
  if (DATABASE_MIGRATE === true && NODE_ENV !== 'development') {
    throw new AppError(
      'SETTINGS_INVALID',
      'DATABASE_MIGRATE: only with NODE_ENV=development; elsewhere run "npm run warren -- migrate".',
      { kind: 'internal' },
    );
  }
  const { migrations: set } = definition;
  if (url === undefined || set === undefined)
    throw new TypeError(`${definition.prefix} needs Postgres: give it PostgresSettings and migrations`);
  return lifecycle.step('postgres', async () => {
    const database = new Database({
      url,
      schema: set.schema,
      service: definition.prefix,
      logger,
      metrics,
      ...(max === undefined ? {} : { max }),
    });
    lifecycle.onClose('postgres', () => database.close());
    await watchStore(deps, 'postgres', () => database.ping()).catch(namingSetting('DATABASE_URL'));
    const mayMigrate = DATABASE_MIGRATE === true;
    await persist(() => checkSchema({ database, set, url, mayMigrate, logger }), deps.patience);
    return database;
  });
}

async function openRedis(deps: OpenDeps): Promise<RedisClient | undefined> {
  const { definition, settings, logger, metrics, lifecycle } = deps;
  if (!definition.needs.redis) return undefined;
  const { REDIS_URL: url, REDIS_KEY_PREFIX: keyPrefix } = settings;
  if (url === undefined || keyPrefix === undefined)
    throw new TypeError(`${definition.prefix} needs Redis: give it RedisSettings`);
  return lifecycle.step('redis', async () => {
    const redis = new RedisClient({ url, keyPrefix, name: `warren.${definition.prefix}`, logger, metrics });
    lifecycle.onClose('redis', () => redis.close());
    // the client alone hears why it is turned away; a ping only finds no connection
    await watchStore(deps, 'redis', async () => {
      if (!redis.isReady) await redis.ready(REDIS_READY_MS);
      await redis.ping();
    }).catch(namingSetting('REDIS_URL'));
    return redis;
  });
}

async function openLink(deps: OpenDeps, role: 'publish' | 'consume', instance: string): Promise<RabbitLink> {
  const { definition, settings, logger, metrics, lifecycle, health } = deps;
  return lifecycle.step(`rabbitmq ${role} link`, async () => {
    const link = new RabbitLink({
      url: settings.RABBITMQ_URL,
      role,
      name: `warren.${definition.prefix}.${role}.${instance}`,
      logger,
      metrics,
    });
    lifecycle.onClose(`rabbitmq ${role} link`, () => link.stop());
    health.check(`rabbitmq-${role}`, () => linkProblem(link));
    link.start();
    await link.ready(Math.round(deps.patience.budget.remainingMs())).catch(namingSetting('RABBITMQ_URL'));
    return link;
  });
}

function linkProblem(link: RabbitLink): string | undefined {
  const { up, blocked } = link.state;
  if (!up) return 'not connected';
  return blocked ? 'blocked by an alarm of the broker' : undefined;
}

/** Waits for a store at boot, then goes on asking, so that /readyz knows of its loss. */
async function watchStore(deps: OpenDeps, name: string, ping: () => Promise<unknown>): Promise<void> {
  const probe = new StoreProbe({ ping, clock: systemClock });
  deps.lifecycle.onClose(`${name} probe`, () => probe.stop());
  deps.health.check(name, () => probe.problem);
  await probe.untilReachable(deps.patience.budget);
  probe.start();
}
