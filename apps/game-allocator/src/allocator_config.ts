import { ALLOCATION } from '@warren/allocation';
import { command, defineRegistry } from '@warren/command-center';
import {
  ASSIGN_GAME,
  CONFIRM_ASSIGNMENT,
  DRAIN_SERVER,
  REGISTER_SERVER,
  RELEASE_GAME,
  REPORT_HEARTBEAT,
} from '@warren/contracts';

/** Every command of game-allocator and its handler. */
export const allocatorRegistry = defineRegistry({
  prefix: 'allocator',
  maxConcurrentTasks: 16,
  commandProcessingTimeoutMs: 15_000,
  commands: [
    command(ASSIGN_GAME, ALLOCATION.assignGame),
    command(RELEASE_GAME, ALLOCATION.releaseGame),
    command(REGISTER_SERVER, ALLOCATION.registerServer),
    command(REPORT_HEARTBEAT, ALLOCATION.reportHeartbeat),
    command(CONFIRM_ASSIGNMENT, ALLOCATION.confirmAssignment),
    command(DRAIN_SERVER, ALLOCATION.drainServer),
  ],
  events: [],
});
