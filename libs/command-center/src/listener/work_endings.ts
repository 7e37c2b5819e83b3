import type { AppError } from '@warren/kernel';
import { DELAY_TIERS } from '@warren/rabbit';
import { DEFAULT_RETRY, waitAfter } from '../registry/retry_policy.ts';
import type { Endings } from './endings.ts';
import type { ListenerTask } from './listener_task.ts';
import { type MessageCopies, reasonOf } from './message_copies.ts';
import type { Outcome } from './outcome.ts';

export interface WorkEndingsDeps {
  readonly copies: MessageCopies;
  /** Queue that the listener works on: a copy from a delay tier comes back to it. */
  readonly queue: string;
}

/** A duplicate waits this often for its twin, a second each time, before it counts as a failed attempt. */
export const MAX_BUSY = 60;
const BUSY_HEADER = 'warren-busy';
const [FIRST_TIER] = DELAY_TIERS;

/**
 * Commands and events: nothing is lost. What can be tried again goes to a delay tier, what cannot goes to the dead
 * letters with its reason; both as a confirmed copy, and only then is the original acked.
 */
export class WorkEndings implements Endings {
  readonly #copies: MessageCopies;
  readonly #queue: string;

  constructor({ copies, queue }: WorkEndingsDeps) {
    this.#copies = copies;
    this.#queue = queue;
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
      case 'blocked':
        return this.#retry(task, outcome.error);
      case 'busy':
        return this.#wait(task, outcome.error);
      case 'broken':
        return this.#park(task, outcome.error, reasonOf(outcome.error));
      case 'handed_back':
        return delivery.nack();
      default:
        return outcome satisfies never;
    }
  }

  async #retry(task: ListenerTask, error: AppError): Promise<void> {
    const attempt = task.context?.attempt ?? 1;
    const tier = waitAfter(task.binding?.retry ?? DEFAULT_RETRY, attempt);
    if (tier === undefined) {
      await this.#park(task, error, 'retries_exhausted');
      return;
    }
    task.context?.logger.warn(
      { code: error.code, err: error.cause, tier: tier.name },
      'command failed and is tried again',
    );
    await this.#copies.delay(task, tier.name, this.#queue, {
      'warren-attempt': attempt + 1,
      'warren-error-code': error.code,
    });
  }

  /** Not an attempt: nothing was tried. */
  async #wait(task: ListenerTask, error: AppError): Promise<void> {
    const before = task.delivery.properties.headers?.[BUSY_HEADER];
    const waits = typeof before === 'number' && before > 0 ? before + 1 : 1;
    if (waits > MAX_BUSY) {
      await this.#retry(task, error);
      return;
    }
    const attempt = task.context?.attempt ?? 1;
    await this.#copies.delay(task, FIRST_TIER.name, this.#queue, { 'warren-attempt': attempt, [BUSY_HEADER]: waits });
  }

  #park(task: ListenerTask, error: AppError, reason: string): Promise<void> {
    return this.#copies.park(task, error, reason, this.#queue);
  }
}

/** The sender's to know; for us it is done. */
export function refuse({ context, delivery }: ListenerTask, { code }: AppError): void {
  context?.logger.info({ code }, 'command refused');
  delivery.ack();
}
