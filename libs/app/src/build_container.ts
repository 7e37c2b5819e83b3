import { InboxJanitor, OutboxRelay, RESOURCE, UnitOfWork } from '@warren/command-center';
import { Container } from '@warren/kernel';
import type { BaseSettings, PostgresSettings } from './base_settings.ts';
import type { ServiceDefinition, ServiceResources } from './service_definition.ts';

/** What works beside the listeners of every service with a schema. */
export interface ContainerParts {
  readonly container: Container;
  readonly relay: OutboxRelay | undefined;
  readonly janitor: InboxJanitor | undefined;
}

/** The container of one service: shared resources first, then what the domain registers. */
export function buildContainer(
  definition: ServiceDefinition,
  settings: BaseSettings & Partial<PostgresSettings>,
  resources: ServiceResources,
): ContainerParts {
  const container = new Container()
    .value(RESOURCE.logger, resources.logger)
    .value(RESOURCE.metrics, resources.metrics)
    .value(RESOURCE.clock, resources.clock)
    .value(RESOURCE.rng, resources.rng)
    .value(RESOURCE.instance, resources.instance)
    .value(RESOURCE.rpc, resources.rpc)
    .value(RESOURCE.publisher, resources.publisher);
  const { database, redis } = resources;
  let relay: OutboxRelay | undefined;
  let janitor: InboxJanitor | undefined;
  if (database !== undefined) {
    const outbox = new OutboxRelay({ ...resources, database, prefix: definition.prefix });
    container.value(RESOURCE.database, database);
    container.value(RESOURCE.outboxRelay, outbox);
    container.value(RESOURCE.unitOfWork, new UnitOfWork({ database, onOutbox: () => outbox.wake() }));
    relay = outbox;
    janitor = new InboxJanitor({ ...resources, database });
  }
  if (settings.IDEMPOTENCY_HMAC_KEY !== undefined)
    container.value(RESOURCE.idempotencyKey, settings.IDEMPOTENCY_HMAC_KEY);
  if (redis !== undefined) container.value(RESOURCE.redis, redis);
  definition.container(container, { ...resources, settings });
  return { container, relay, janitor };
}
