import type { ServiceDefinition } from '@warren/app';
import { COORDINATION, coordinationMigrations, registerCoordination } from '@warren/coordination';
import { coordinatorRegistry } from './coordinator_config.ts';
import { CoordinatorSettings, domainSettings } from './coordinator_env.ts';
import { CoordinatorListener } from './coordinator_listener.ts';

export const coordinatorService: ServiceDefinition<typeof CoordinatorSettings> = {
  prefix: 'coordinator',
  settings: CoordinatorSettings,
  needs: { postgres: true, redis: false },
  registry: coordinatorRegistry,
  migrations: coordinationMigrations,
  container: (container, { settings }) => registerCoordination(container, domainSettings(settings)),
  listener: (deps, container) => new CoordinatorListener(deps, container.resolve(COORDINATION.orchestrator)),
  background: (container) => [container.resolve(COORDINATION.matcher), container.resolve(COORDINATION.saga)],
};
