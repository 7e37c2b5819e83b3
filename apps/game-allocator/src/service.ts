import { ALLOCATION, allocationMigrations, registerAllocation } from '@warren/allocation';
import type { ServiceDefinition } from '@warren/app';
import { allocatorRegistry } from './allocator_config.ts';
import { AllocatorEnv, allocationSettings } from './allocator_env.ts';
import { AllocatorListener } from './allocator_listener.ts';

/** The game allocator: which game server runs which game. */
export const allocatorService: ServiceDefinition<typeof AllocatorEnv> = {
  prefix: 'allocator',
  settings: AllocatorEnv,
  needs: { postgres: true, redis: true },
  registry: allocatorRegistry,
  migrations: allocationMigrations,
  container: (container, { settings, consumeLink }) => {
    container.value(ALLOCATION.hearing, () => consumeLink.state.up);
    registerAllocation(container, allocationSettings(settings));
  },
  listener: (deps, container) => new AllocatorListener(deps, container.resolve(ALLOCATION.orchestrator)),
  background: (container) => [container.resolve(ALLOCATION.sweeper)],
};
