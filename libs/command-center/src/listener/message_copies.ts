import type { AppError, Clock, Logger } from '@warren/kernel';
import { type ConfirmedPublisher, copyOf, deadLetterOf, delayExchange, type OutgoingMessage } from '@warren/rabbit';
import type { ListenerTask } from './listener_task.ts';
import type { SenderIdentity } from './sender_identity.ts';

export interface MessageCopiesDeps {
  readonly publisher: Pick<ConfirmedPublisher, 'publish'>;
  readonly prefix: string;
  readonly sender: SenderIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
}

const COPY_TIMEOUT_MS = 5_000;
/** A copy could not be stored: breathe before the broker delivers the message again. */
const COPY_FAILED_PAUSE_MS = 500;

type Headers = Parameters<typeof copyOf>[2];

/**
 * Moves a message to a delay tier or the dead letters: a confirmed copy first, and only then the ack of the original, so
 * that nothing is lost between the two. Where the copy cannot be stored the broker keeps the original.
 */
export class MessageCopies {
  readonly #deps: MessageCopiesDeps;

  constructor(deps: MessageCopiesDeps) {
    this.#deps = deps;
  }

  /** The copy comes back to `queue` when the tier's time is over. */
  delay(task: ListenerTask, tier: string, queue: string, headers: Headers): Promise<void> {
    const copy = copyOf(task.delivery, this.#deps.sender.originOf(task.delivery), headers);
    return this.#publishThenAck(task, { ...copy, exchange: delayExchange(tier), key: queue });
  }

  /** `queue` is the one that the message came from, and to which a replay sends it. */
  park(task: ListenerTask, error: AppError, reason: string, queue: string): Promise<void> {
    const { logger, prefix, sender } = this.#deps;
    const attempt = task.context?.attempt ?? 1;
    logger.error(
      { err: error, reason, attempt, command: task.name, messageId: task.context?.messageId },
      'message parked in the dead letters',
    );
    const letter = deadLetterOf(task.delivery, {
      prefix,
      queue,
      origin: sender.originOf(task.delivery),
      attempt,
      reason,
      code: error.code,
      message: error.message,
    });
    return this.#publishThenAck(task, letter);
  }

  async #publishThenAck(task: ListenerTask, copy: OutgoingMessage): Promise<void> {
    const { delivery } = task;
    const { publisher, clock, logger } = this.#deps;
    const { exchange } = copy;
    const outcome = await publisher.publish(copy, { timeoutMs: COPY_TIMEOUT_MS });
    if (outcome === 'confirmed') {
      delivery.ack();
      return;
    }
    logger.error(
      { outcome, exchange, command: task.name },
      'the copy of a message was not stored; the broker delivers it again',
    );
    await clock.sleep(COPY_FAILED_PAUSE_MS);
    delivery.requeue();
  }
}

/** What somebody who reads the dead letters can do about it. */
export function reasonOf(error: AppError): string {
  if (error.code === 'COMMAND_UNKNOWN') return 'no_handler';
  if (error.kind === 'too_large') return 'too_large';
  if (error.kind === 'forbidden') return 'forbidden';
  return error.kind === 'internal' ? 'defect' : 'invalid_payload';
}
