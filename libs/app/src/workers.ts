import type { BaseMicroserviceListener } from '@warren/command-center';
import type { Budget } from './budget.ts';
import type { BackgroundTask } from './service_definition.ts';

/** The end of the grace in which running commands are aborted and handed back. */
const ABORT_BEFORE_END_MS = 3_000;

/**
 * Everything that takes work by itself. It stops together: a saga that takes seconds to end must not leave a listener
 * that goes on taking commands meanwhile.
 */
export class Workers {
  readonly #listeners: BaseMicroserviceListener[] = [];
  readonly #tasks: BackgroundTask[] = [];

  addListener(listener: BaseMicroserviceListener): void {
    this.#listeners.push(listener);
  }

  addTask(task: BackgroundTask): void {
    this.#tasks.push(task);
  }

  /** @throws Error when commands were cut short or something did not stop; everything was tried by then */
  async drain(budget: Budget): Promise<void> {
    const graceMs = budget.remainingMs(ABORT_BEFORE_END_MS);
    const ends = [
      ...this.#listeners.map((listener) => drainListener(listener, graceMs)),
      ...this.#tasks.map(async (task) => task.stop()),
    ];
    const failures = (await Promise.allSettled(ends))
      .filter((end) => end.status === 'rejected')
      .map((end): unknown => end.reason);
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '));
  }
}

async function drainListener(listener: BaseMicroserviceListener, graceMs: number): Promise<void> {
  const cut = await listener.drain(graceMs);
  await listener.stop();
  if (cut > 0) throw new Error(`${cut} commands of ${listener.queue} were cut short and handed back`);
}
