import { checkRegistry, defineRegistry, listenerDeps, type ListenerResources, OutboxRelay, planListeners, RESOURCE, type ServiceRegistry, UnitOfWork } from '@warren/command-center';
import { CONTRACTS } from '@warren/contracts';
import { createAdminServer } from '@warren/http';
import { Container, createLogger, type Environment, readEnvironment, readSettings, systemClock } from '@warren/kernel';
import { declareServiceTopology, RpcReplier, serviceSpec } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import type { BaseSettings, ListenerSettings, PostgresSettings, RedisSettings } from './base_settings.ts';
import { Health } from './health.ts';
import { Lifecycle } from './lifecycle.ts';
import { openResources } from './open_resources.ts';
import type { ServiceDefinition, ServiceResources } from './service_definition.ts';

export interface RunningService {
  readonly settings: BaseSettings;
  /** `http://host:port` of /livez, /readyz and /metrics. */
  readonly adminUrl: string;
  /** URL of the public server, where the service has one. */
  readonly url: string | undefined;
  readonly container: Container;
  readonly resources: ServiceResources;
  /** Undoes the start in reverse. Resolves to true when everything ended in order and nothing was cut short. */
  stop(): Promise<boolean>;
}

type AnySettings = BaseSettings & Partial<PostgresSettings> & Partial<RedisSettings> & ListenerSettings;

/** The end of the grace in which running commands are aborted and handed back. */
const ABORT_BEFORE_END_MS = 3_000;

/**
 * Brings one service up: settings → logger and metrics → admin server → stores → broker links → topology → container →
 * outbox relay → listeners → background work → public server → ready. When a step fails, the done ones are undone.
 * @throws AppError with a sentence for the operator
 */
export async function createServiceApp(definition: ServiceDefinition, env: Environment = readEnvironment()): Promise<RunningService> {
  const settings = readSettings(definition.settings, { prefix: definition.prefix.toUpperCase(), env }) as AnySettings;
  const logger = createLogger({ service: definition.prefix, level: settings.LOG_LEVEL, format: settings.LOG_FORMAT, traceCaller: settings.TRACE_CALLER });
  const metrics = new Metrics(definition.prefix);
  const health = new Health();
  const lifecycle = new Lifecycle({ logger, clock: systemClock, health });
  const boot: Boot = { definition, settings, logger, metrics, health, lifecycle };
  try {
    const registry = definition.registry === undefined ? undefined : tuned(definition.registry, settings);
    if (registry !== undefined) checkRegistry(registry, CONTRACTS);
    const adminUrl = await startAdminServer(boot);
    const resources = await openResources(boot);
    await startTopology(boot, resources, registry);
    const container = buildContainer(boot, resources);
    await startRelay(boot, resources, container);
    if (registry !== undefined) await startListeners(boot, resources, container, registry);
    await startBackground(boot, container);
    const url = await startServer(boot, container, resources);
    health.ready();
    logger.info({ adminUrl, publicUrl: url }, 'ready');
    return { settings, adminUrl, url, container, resources, stop: () => stop(boot) };
  } catch (cause) {
    await lifecycle.close();
    throw cause;
  }
}

interface Boot {
  readonly definition: ServiceDefinition;
  readonly settings: AnySettings;
  readonly logger: ReturnType<typeof createLogger>;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly lifecycle: Lifecycle;
}

function stop(boot: Boot): Promise<boolean> {
  boot.health.stopping();
  return boot.lifecycle.close();
}

function tuned(registry: ServiceRegistry, settings: AnySettings): ServiceRegistry {
  return defineRegistry({
    ...registry,
    maxConcurrentTasks: settings.MAX_CONCURRENT_TASKS ?? registry.maxConcurrentTasks,
    commandProcessingTimeoutMs: settings.COMMAND_PROCESSING_TIMEOUT ?? registry.commandProcessingTimeoutMs,
  });
}

function startAdminServer(boot: Boot): Promise<string> {
  const { settings, health, metrics, logger, lifecycle } = boot;
  return lifecycle.step('admin server', async () => {
    const server = createAdminServer({ host: settings.ADMIN_HOST, port: settings.ADMIN_PORT, health, metrics, logger });
    lifecycle.onClose('admin server', () => server.close());
    return server.listen();
  });
}

async function startTopology(boot: Boot, resources: ServiceResources, registry: ServiceRegistry | undefined): Promise<void> {
  const { definition, lifecycle } = boot;
  if (registry !== undefined) await lifecycle.step('topology', () => declareServiceTopology(resources.consumeLink, definition.prefix));
  // Who calls nobody may not read replies either.
  if (serviceSpec(definition.prefix).calls.length === 0) return;
  // a service that calls nobody has no right to a reply queue either
  if (serviceSpec(definition.prefix).calls.length === 0) return;
  await lifecycle.step('rpc client', () => resources.rpc.start());
  lifecycle.onClose('rpc client', () => resources.rpc.stop());
}

function buildContainer(boot: Boot, resources: ServiceResources): Container {
  const { settings, definition } = boot;
  const container = new Container()
    .value(RESOURCE.logger, resources.logger)
    .value(RESOURCE.metrics, resources.metrics)
    .value(RESOURCE.clock, resources.clock)
    .value(RESOURCE.rng, resources.rng)
    .value(RESOURCE.instance, resources.instance)
    .value(RESOURCE.rpc, resources.rpc)
    .value(RESOURCE.publisher, resources.publisher);
  const { database, redis } = resources;
  if (database !== undefined) {
    const relay = new OutboxRelay({ ...resources, database, prefix: definition.prefix });
    container.value(RESOURCE.database, database);
    container.value(RESOURCE.outboxRelay, relay);
    container.value(RESOURCE.unitOfWork, new UnitOfWork({ database, onOutbox: () => relay.wake() }));
  }
  if (settings.IDEMPOTENCY_HMAC_KEY !== undefined) container.value(RESOURCE.idempotencyKey, settings.IDEMPOTENCY_HMAC_KEY);
  if (redis !== undefined) container.value(RESOURCE.redis, redis);
  definition.container(container, { ...resources, settings });
  return container;
}

async function startRelay(boot: Boot, resources: ServiceResources, container: Container): Promise<void> {
  if (resources.database === undefined) return;
  const relay = container.resolve(RESOURCE.outboxRelay);
  await boot.lifecycle.step('outbox relay', () => relay.start());
  boot.lifecycle.onClose('outbox relay', () => relay.stop());
}

async function startListeners(boot: Boot, resources: ServiceResources, container: Container, registry: ServiceRegistry): Promise<void> {
  const { definition, lifecycle, settings, health } = boot;
  const { listener: makeListener } = definition;
  if (makeListener === undefined) throw new TypeError(`${definition.prefix} has a registry and no listener: add one to its service.ts`);
  const replier = new RpcReplier({ link: resources.publishLink, logger: resources.logger, metrics: resources.metrics });
  lifecycle.onClose('rpc replies', () => replier.stop());
  const shared: ListenerResources = { ...resources, registry, container, replier };
  for (const plan of planListeners(registry)) {
    const listener = makeListener(listenerDeps(plan, shared), container);
    await lifecycle.step(`listener ${listener.queue}`, () => listener.start());
    health.check(listener.queue, () => (listener.healthy ? undefined : 'the consumer is lost and is being set up again'));
    lifecycle.onClose(`drain ${listener.queue}`, async () => {
      const cut = await listener.drain(Math.max(0, settings.SHUTDOWN_GRACE_MS - ABORT_BEFORE_END_MS));
      await listener.stop();
      if (cut > 0) throw new Error(`${cut} commands of ${listener.queue} were cut short and handed back`);
    });
  }
}

async function startBackground(boot: Boot, container: Container): Promise<void> {
  for (const task of boot.definition.background?.(container) ?? []) {
    await boot.lifecycle.step(task.name, () => task.start());
    boot.lifecycle.onClose(task.name, () => task.stop());
  }
}

async function startServer(boot: Boot, container: Container, resources: ServiceResources): Promise<string | undefined> {
  const { definition, lifecycle, settings } = boot;
  if (definition.server === undefined) return undefined;
  const server = await definition.server(container, { ...resources, settings });
  const url = await lifecycle.step('public server', () => server.listen());
  lifecycle.onClose('drain public server', () => server.close());
  return url;
}
