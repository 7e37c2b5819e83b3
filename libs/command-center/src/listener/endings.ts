import type { ListenerTask } from './listener_task.ts';
import type { Outcome } from './outcome.ts';

/** Gives a message its one ending on the broker. Never throws: a broken link means the broker delivers again. */
export interface Endings {
  end(task: ListenerTask, outcome: Outcome): void | Promise<void>;
}
