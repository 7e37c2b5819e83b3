import { type CommandHandler, command, defineRegistry, type ServiceRegistry } from '@warren/command-center';
import type { DtoOf } from '@warren/contracts';
import { Container, token } from '@warren/kernel';
import { BENCH_WORK } from './bench_contract.ts';

export const WORK_PREFIX = 'allocator';
const MAX_CONCURRENT_TASKS = 256;
const TIMEOUT_MS = 10_000;

const handler = token<CommandHandler<DtoOf<typeof BENCH_WORK>, Record<string, never>>>('bench.work');

/** The registry of a service with one durable command, and a container that knows its handler. */
export function workService(): { registry: ServiceRegistry; container: Container } {
  return {
    registry: defineRegistry({
      prefix: WORK_PREFIX,
      maxConcurrentTasks: MAX_CONCURRENT_TASKS,
      commandProcessingTimeoutMs: TIMEOUT_MS,
      commands: [command(BENCH_WORK, handler)],
      events: [],
    }),
    container: new Container().value(handler, { apply: async () => ({}) }),
  };
}
