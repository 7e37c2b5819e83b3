import {
  checkRegistry,
  defineRegistry,
  type ListenerResources,
  listenerDeps,
  planListeners,
  type ServiceRegistry,
} from '@warren/command-center';
import { CONTRACTS } from '@warren/contracts';
import { createAdminServer } from '@warren/http';
import {
  AppError,
  type Container,
  createLogger,
  type Environment,
  type Logger,
  readEnvironment,
  readSettings,
  systemClock,
} from '@warren/kernel';
import {
  deadQueue,
  declareServiceTopology,
  QueueDepths,
  queuesOf,
  RpcReplier,
  serviceSpec,
  UNROUTABLE_QUEUE,
} from '@warren/rabbit';
import { Metrics, startSpanExport } from '@warren/telemetry';
import type { BaseSettings, ListenerSettings, PostgresSettings, RedisSettings } from './base_settings.ts';
import { Budget } from './budget.ts';
import { buildContainer, type ContainerParts } from './build_container.ts';
import { flushLogs } from './flush_logs.ts';
import { Health } from './health.ts';
import { Lifecycle } from './lifecycle.ts';
import { namingSetting } from './naming_setting.ts';
import { openResources } from './open_resources.ts';
import { type Patience, persist } from './persist.ts';
import type { BackgroundTask, ServiceDefinition, ServiceResources } from './service_definition.ts';
import { Workers } from './workers.ts';

export interface RunningService {
  readonly settings: BaseSettings;
  /** `http://host:port` of /livez, /readyz and /metrics. */
  readonly adminUrl: string;
  /** URL of the public server, where the service has one. */
  readonly url: string | undefined;
  readonly container: Container;
  readonly resources: ServiceResources;
  /**
   * Undoes the start in reverse within `graceMs`, which is SHUTDOWN_GRACE_MS unless told. Resolves to true when everything
   * ended in order and nothing was cut short.
   */
  stop(graceMs?: number): Promise<boolean>;
}

export interface StartOptions {
  /** Gives up a start that is under way; what was done is undone. */
  readonly signal?: AbortSignal;
  /** The service runs and cannot go on: whoever started it stops it and ends the process. Called once. */
  readonly onFatal?: (error: AppError) => void;
}

type AnySettings = BaseSettings & Partial<PostgresSettings> & Partial<RedisSettings> & ListenerSettings;

interface Boot {
  readonly definition: ServiceDefinition;
  readonly options: StartOptions;
  readonly settings: AnySettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly lifecycle: Lifecycle;
  readonly patience: Patience;
  readonly workers: Workers;
}

/** What undoing a failed start may take: nothing is under way yet that deserves more. */
const FAILED_START_GRACE_MS = 5_000;

/**
 * Brings one service up: settings → logger and metrics → admin server → stores → broker links → topology → container →
 * outbox relay → listeners → background work → public server → ready. When a step fails, the done ones are undone.
 * @throws AppError with a sentence for the operator
 */
export async function createServiceApp(
  definition: ServiceDefinition,
  env: Environment = readEnvironment(),
  options: StartOptions = {},
): Promise<RunningService> {
  const boot = prepare(definition, env, options);
  try {
    return await start(boot);
  } catch (cause) {
    boot.health.stopping();
    await boot.lifecycle.close(FAILED_START_GRACE_MS);
    await flushLogs(boot.logger);
    throw cause;
  }
}

function prepare(definition: ServiceDefinition, env: Environment, options: StartOptions): Boot {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every schema extends BaseSettings; openResources checks the rest
  const settings = readSettings(definition.settings, { prefix: definition.prefix.toUpperCase(), env }) as AnySettings;
  const { LOG_LEVEL: level, LOG_FORMAT: format, TRACE_CALLER: traceCaller } = settings;
  const logger = createLogger({ service: definition.prefix, level, format, traceCaller });
  const health = new Health();
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const clock = systemClock;
  return {
    definition,
    options,
    settings,
    logger,
    metrics: new Metrics(definition.prefix),
    health,
    lifecycle: new Lifecycle({ logger, clock, health, ...signal }),
    patience: { budget: new Budget(clock, settings.BOOT_TIMEOUT_MS), clock, ...signal },
    workers: new Workers(),
  };
}

async function start(boot: Boot): Promise<RunningService> {
  const { definition, settings, lifecycle, health, logger } = boot;
  const registry = definition.registry === undefined ? undefined : checked(definition.registry, settings);
  const adminUrl = await startAdminServer(boot);
  await startTracing(boot);
  const resources = await openResources(boot);
  await startMessaging(boot, resources);
  const parts = buildContainer(definition, settings, resources);
  const { container, relay } = parts;
  if (relay !== undefined) {
    lifecycle.onClose('outbox relay', () => relay.stop());
    await lifecycle.step('outbox relay', () => relay.start());
  }
  const { publishLink: link, metrics } = resources;
  const replier = new RpcReplier({ link, logger, metrics });
  lifecycle.onClose('rpc replies', () => replier.stop());
  lifecycle.onDrain('listeners and background work', (budget) => boot.workers.drain(budget));
  if (registry !== undefined) await startListeners(boot, { ...resources, registry, container, replier });
  await startBackground(boot, parts);
  const url = await startServer(boot, container, resources);
  health.ready();
  logger.info({ adminUrl, publicUrl: url }, 'ready');
  const stop = (graceMs: number = settings.SHUTDOWN_GRACE_MS): Promise<boolean> => {
    health.stopping();
    return lifecycle.close(graceMs);
  };
  return { settings, adminUrl, url, container, resources, stop };
}

/** The registry with what the operator set, once it fits contracts and topology. */
function checked(registry: ServiceRegistry, settings: AnySettings): ServiceRegistry {
  const tuned = defineRegistry({
    ...registry,
    maxConcurrentTasks: settings.MAX_CONCURRENT_TASKS ?? registry.maxConcurrentTasks,
    commandProcessingTimeoutMs: settings.COMMAND_PROCESSING_TIMEOUT ?? registry.commandProcessingTimeoutMs,
  });
  checkRegistry(tuned, CONTRACTS);
  checkConsumerTimeout(tuned.commandProcessingTimeoutMs, settings.BROKER_CONSUMER_TIMEOUT_MS);
  return tuned;
}

/** The broker takes a message back that is not settled in time, and closes the channel with every other one on it. */
function checkConsumerTimeout(processingMs: number, consumerMs: number): void {
  if (processingMs * 2 <= consumerMs) return;
  throw new AppError(
    'SETTINGS_INVALID',
    `COMMAND_PROCESSING_TIMEOUT: ${processingMs} ms is more than half of BROKER_CONSUMER_TIMEOUT_MS (${consumerMs} ms).`,
    { kind: 'internal' },
  );
}

function startAdminServer(boot: Boot): Promise<string> {
  const { settings, health, metrics, logger, lifecycle } = boot;
  return lifecycle.step('admin server', async () => {
    const server = createAdminServer({ host: settings.ADMIN_HOST, port: settings.ADMIN_PORT, health, metrics, logger });
    lifecycle.onClose('admin server', () => server.close());
    return server.listen().catch(namingSetting('ADMIN_PORT'));
  });
}

/** Before everything that works: what is opened later asks whether spans are exported. */
async function startTracing({ settings, definition, lifecycle }: Boot): Promise<void> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = settings;
  if (endpoint === undefined) return;
  const stop = await lifecycle.step('span export', () => startSpanExport({ endpoint, service: definition.prefix }));
  lifecycle.onClose('span export', stop);
}

async function startMessaging(boot: Boot, resources: ServiceResources): Promise<void> {
  const { lifecycle } = boot;
  const { prefix } = boot.definition;
  const { consumeLink, rpc } = resources;
  await lifecycle.step('topology', () => declareServiceTopology(consumeLink, prefix));
  watchDepths(boot, resources);
  // a service that calls nobody has no right to a reply queue on the broker
  if (serviceSpec(prefix).calls.length === 0) return;
  lifecycle.onClose('rpc client', () => rpc.stop());
  await lifecycle.step('rpc client', () => rpc.start());
}

/** What lies in these queues waits for a person. */
function watchDepths({ definition: { prefix }, lifecycle }: Boot, resources: ServiceResources): void {
  const own = queuesOf(serviceSpec(prefix)).filter(({ name }) => name === deadQueue(prefix));
  const queues = [...own, UNROUTABLE_QUEUE].map(({ name }) => name);
  const depths = new QueueDepths({ ...resources, link: resources.consumeLink, queues });
  lifecycle.onClose('queue depths', async () => depths.stop());
  depths.start();
}

async function startListeners(boot: Boot, resources: ListenerResources): Promise<void> {
  const { definition, lifecycle, health, workers, options } = boot;
  const { listener: makeListener } = definition;
  if (makeListener === undefined)
    throw new TypeError(`${definition.prefix} has a registry and no listener: add one to its service.ts`);
  const onStuck = (queue: string): void => options.onFatal?.(stuck(queue));
  for (const plan of planListeners(resources.registry)) {
    const listener = makeListener(listenerDeps(plan, { ...resources, onStuck }), resources.container);
    workers.addListener(listener);
    health.check(listener.queue, () => listener.problem);
    await lifecycle.step(`listener ${listener.queue}`, () => listener.start());
  }
}

function stuck(queue: string): AppError {
  return new AppError('SERVICE_STUCK', `Handlers of ${queue} do not end: the process has to be restarted.`, {
    kind: 'internal',
  });
}

async function startBackground(boot: Boot, { container, janitor }: ContainerParts): Promise<void> {
  const { definition, workers, lifecycle, patience } = boot;
  const own: readonly BackgroundTask[] = janitor === undefined ? [] : [janitor];
  for (const task of [...own, ...(definition.background?.(container) ?? [])]) {
    workers.addTask(task);
    await lifecycle.step(task.name, () => persist(() => task.start(), patience));
  }
}

async function startServer(boot: Boot, container: Container, resources: ServiceResources): Promise<string | undefined> {
  const { definition, lifecycle, settings } = boot;
  if (definition.server === undefined) return undefined;
  const server = await definition.server(container, { ...resources, settings });
  lifecycle.onDrain('public server', () => server.close());
  const portSetting = `${definition.prefix.toUpperCase()}_PORT`;
  return lifecycle.step('public server', async () => server.listen().catch(namingSetting(portSetting)));
}
