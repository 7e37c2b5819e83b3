import type { Delivery } from '@warren/rabbit';
import type { CommandContext } from '../command_context.ts';
import type { Binding } from '../registry/bindings.ts';

/** One delivery, from its reception to the end of its handler. Created per message, so it is small and has one shape. */
export class ListenerTask {
  readonly delivery: Delivery;
  /** Monotonic milliseconds. */
  readonly receivedAt: number;
  /** Monotonic milliseconds at which it got its slot. */
  beganAt: number;
  /** Known once the headers could be read. */
  context: CommandContext | undefined;
  /** Known once the message was found to be a command of ours that its sender may send. */
  binding: Binding | undefined;
  /** The message has had its ending; whatever the handler still does has no effect. */
  ended = false;
  /** Its slot was given away although the handler has not finished. */
  zombie = false;

  constructor(delivery: Delivery, receivedAt: number) {
    this.delivery = delivery;
    this.receivedAt = receivedAt;
    this.beganAt = receivedAt;
  }

  /** Contract or event name as the sender gave it. */
  get name(): string {
    return this.context?.name ?? 'unreadable';
  }
}
