import { type AppError, type Logger, toAppError } from '@warren/kernel';
import type { Endings } from '../listener/endings.ts';
import type { ListenerTask } from '../listener/listener_task.ts';
import { type MessageCopies, reasonOf } from '../listener/message_copies.ts';
import type { Outcome } from '../listener/outcome.ts';
import { MAX_BUSY, refuse } from '../listener/work_endings.ts';
import { DEFAULT_RETRY, waitAfter } from '../registry/retry_policy.ts';
import type { BlockedKeys } from './blocked_keys.ts';
import { KeyedDelivery } from './keyed_delivery.ts';
import { REDELIVERED } from './sequence_check.ts';

export interface KeyedEndingsDeps {
  readonly copies: MessageCopies;
  readonly blockedKeys: Pick<BlockedKeys, 'block'>;
  readonly logger: Logger;
}

const BUSY_MS = 1_000;
/** The mark of a key could not be stored: without it nothing is parked, or later commands would overtake this one. */
const MARK_FAILED_MS = 5_000;

/**
 * Commands in sequence: a detour through a delay tier would let later ones overtake, so they are tried again in place
 * while their key waits. One that fails for good is parked, and its key is marked; until that is decided, later commands
 * of the key are parked behind it.
 */
export class KeyedEndings implements Endings {
  readonly #deps: KeyedEndingsDeps;

  constructor(deps: KeyedEndingsDeps) {
    this.#deps = deps;
  }

  end(task: ListenerTask, outcome: Outcome): void | Promise<void> {
    // the broker gives it to somebody else, whose copy would be one too many
    if (task.delivery.lost) return task.delivery.ack();
    return this.#settle(task, outcome);
  }

  #settle(task: ListenerTask, outcome: Outcome): void | Promise<void> {
    const { delivery } = task;
    switch (outcome.kind) {
      case 'done':
      case 'expired':
      case 'lost':
        return delivery.ack();
      case 'refused':
        return refuse(task, outcome.error);
      case 'retry':
        return this.#retry(task, outcome.error);
      case 'busy':
        return this.#wait(task, outcome.error);
      case 'blocked':
        return this.#block(task, outcome.error, 'key_blocked');
      case 'broken':
        return this.#broken(task, outcome.error);
      case 'handed_back':
        return delivery.nack();
      default:
        return outcome satisfies never;
    }
  }

  #retry(task: ListenerTask, error: AppError): void | Promise<void> {
    const attempt = task.context?.attempt ?? 1;
    const wait = waitAfter(task.binding?.retry ?? DEFAULT_RETRY, attempt);
    if (wait === undefined) return this.#block(task, error, 'retries_exhausted');
    task.context?.logger.warn(
      { code: error.code, err: error.cause, wait: wait.name },
      'command failed; its key waits for the next try',
    );
    keyed(task).again(wait.delayMs, attempt + 1);
  }

  /** Not an attempt: nothing was tried. */
  #wait(task: ListenerTask, error: AppError): void | Promise<void> {
    const delivery = keyed(task);
    if (++delivery.entry.busy <= MAX_BUSY) return delivery.again(BUSY_MS);
    delivery.entry.busy = 0;
    return this.#retry(task, error);
  }

  /** What nobody can read belongs to no key and holds up none. */
  #broken(task: ListenerTask, error: AppError): Promise<void> {
    if (task.binding !== undefined || error.code === REDELIVERED) return this.#block(task, error, reasonOf(error));
    return this.#deps.copies.park(task, error, reasonOf(error), keyed(task).entry.queue);
  }

  /** The mark first: a process that dies between the two finds the message again, and the mark with it. */
  async #block(task: ListenerTask, error: AppError, reason: string): Promise<void> {
    const { blockedKeys, copies, logger } = this.#deps;
    const delivery = keyed(task);
    const { key, queue } = delivery.entry;
    const messageId = task.context?.messageId ?? '';
    try {
      const found = await blockedKeys.block({ key, messageId, command: task.name, code: error.code });
      if (found === 'busy') return delivery.again(BUSY_MS);
      if (found === 'done') return delivery.ack();
    } catch (cause) {
      logger.warn(
        { err: toAppError(cause), key, command: task.name },
        'a key cannot be marked; its command is tried again',
      );
      return delivery.again(MARK_FAILED_MS);
    }
    if (reason !== 'key_blocked')
      logger.error({ key, messageId, command: task.name }, 'key blocked until somebody decides');
    return copies.park(task, error, reason, queue);
  }
}

function keyed({ delivery }: ListenerTask): KeyedDelivery {
  if (delivery instanceof KeyedDelivery) return delivery;
  throw new TypeError('a message in sequence came without its line');
}
