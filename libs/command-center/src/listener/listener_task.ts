import type { Delivery } from '@warren/rabbit';
import type { CommandContext } from '../command_context.ts';

/** One delivery under work. Created per message, so it is small and has one shape. */
export class ListenerTask {
  readonly delivery: Delivery;
  readonly startedAt: number;
  /** Known once the message could be read. */
  context: CommandContext | undefined;
  /** The message has had its ending; whatever the handler still does has no effect. */
  ended = false;
  /** The handler's promise has settled. */
  finished = false;
  /** Its slot was given away although the handler has not finished. */
  zombie = false;

  constructor(delivery: Delivery, startedAt: number) {
    this.delivery = delivery;
    this.startedAt = startedAt;
  }

  get name(): string {
    return this.context?.name ?? 'unreadable';
  }
}
