import type { AppError, Clock, Logger } from '@warren/kernel';
import {
  type ConfirmedPublisher,
  DELAY_TIERS,
  type Delivery,
  deadQueue,
  delayExchange,
  EXCHANGE,
  type OutgoingMessage,
} from '@warren/rabbit';
import type { Endings } from './endings.ts';
import type { ListenerTask } from './listener_task.ts';
import type { Outcome } from './outcome.ts';
import { ORIGIN_HEADER, type SenderIdentity } from './sender_identity.ts';

export interface WorkEndingsDeps {
  readonly publisher: Pick<ConfirmedPublisher, 'publish'>;
  readonly prefix: string;
  /** Queue that the listener works on: a copy from a delay tier comes back to it. */
  readonly queue: string;
  readonly sender: SenderIdentity;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One run and a retry per delay tier. */
const MAX_ATTEMPTS = DELAY_TIERS.length + 1;
/** A duplicate waits this often for its twin, a second each time, before it counts as a failed attempt. */
const MAX_BUSY = 60;
const BUSY_HEADER = 'warren-busy';
const [FIRST_TIER] = DELAY_TIERS;
const COPY_TIMEOUT_MS = 5_000;
/** A copy could not be stored: breathe before the broker delivers the message again. */
const COPY_FAILED_PAUSE_MS = 500;
/** Bodies that no publisher of ours would send are parked without their end. */
const MAX_BODY_KEPT = 64 * 1024;
const MAX_BODY_SENT = 256 * 1024;
const MAX_MESSAGE_CHARS = 1_000;
const MAX_HEADER_CHARS = 1_024;
const KEPT_HEADERS = ['traceparent', 'warren-actor', 'warren-session', 'warren-roles'];

type Headers = Record<string, string | number>;

/**
 * Commands and events: nothing is lost. What can be tried again goes to a delay tier, what cannot goes to the dead
 * letters with its reason; both as a confirmed copy, and only then is the original acked.
 */
export class WorkEndings implements Endings {
  readonly #deps: WorkEndingsDeps;

  constructor(deps: WorkEndingsDeps) {
    this.#deps = deps;
  }

  end(task: ListenerTask, outcome: Outcome): Promise<void> | undefined {
    const { delivery } = task;
    switch (outcome.kind) {
      case 'done':
      case 'expired':
        delivery.ack();
        return undefined;
      case 'refused':
        task.context?.logger.info({ code: outcome.error.code }, 'command refused');
        delivery.ack();
        return undefined;
      case 'retry':
        return this.#retry(task, outcome.error);
      case 'busy':
        return this.#wait(task, outcome.error);
      case 'broken':
        return this.#park(task, outcome.error, reasonOf(outcome.error));
      case 'handed_back':
        delivery.nack();
        return undefined;
      default:
        return outcome satisfies never;
    }
  }

  async #retry(task: ListenerTask, error: AppError): Promise<void> {
    const attempt = task.context?.attempt ?? 1;
    const tier = DELAY_TIERS[attempt - 1];
    if (attempt >= MAX_ATTEMPTS || tier === undefined) {
      await this.#park(task, error, 'retries_exhausted');
      return;
    }
    task.context?.logger.warn(
      { code: error.code, err: error.cause, tier: tier.name },
      'command failed and is tried again',
    );
    await this.#copyThenAck(task, delayExchange(tier.name), this.#deps.queue, {
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
    await this.#copyThenAck(task, delayExchange(FIRST_TIER.name), this.#deps.queue, {
      'warren-attempt': attempt,
      [BUSY_HEADER]: waits,
    });
  }

  async #park(task: ListenerTask, error: AppError, reason: string): Promise<void> {
    const { logger, prefix, queue } = this.#deps;
    logger.error(
      { err: error, reason, command: task.name, messageId: task.context?.messageId },
      'message parked in the dead letters',
    );
    await this.#copyThenAck(task, EXCHANGE.dead, deadQueue(prefix), {
      'warren-attempt': task.context?.attempt ?? 1,
      'warren-reason': reason,
      'warren-error-code': error.code,
      'warren-error-message': error.message.slice(0, MAX_MESSAGE_CHARS),
      'warren-source-queue': queue,
    });
  }

  async #copyThenAck(task: ListenerTask, exchange: string, key: string, headers: Headers): Promise<void> {
    const { delivery } = task;
    const { publisher, clock, logger, sender } = this.#deps;
    const copy = copyOf(delivery, {
      ...headers,
      [ORIGIN_HEADER]: sender.originOf(delivery).slice(0, MAX_HEADER_CHARS),
    });
    const outcome = await publisher.publish({ ...copy, exchange, key }, { timeoutMs: COPY_TIMEOUT_MS });
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
function reasonOf(error: AppError): string {
  if (error.code === 'COMMAND_UNKNOWN') return 'no_handler';
  if (error.kind === 'too_large') return 'too_large';
  if (error.kind === 'forbidden') return 'forbidden';
  return error.kind === 'internal' ? 'defect' : 'invalid_payload';
}

/** Fits our own limits whatever the original is like: a copy that cannot be published would keep the original for ever. */
function copyOf(delivery: Delivery, headers: Headers): Omit<OutgoingMessage, 'exchange' | 'key'> {
  const { properties, body } = delivery;
  const kept: Headers = {};
  for (const name of KEPT_HEADERS) {
    const value = properties.headers?.[name];
    if (typeof value === 'string' && value.length <= MAX_HEADER_CHARS) kept[name] = value;
  }
  const whole = body.length <= MAX_BODY_SENT;
  if (!whole) kept['warren-body-bytes'] = body.length;
  return {
    body: whole ? body : body.subarray(0, MAX_BODY_KEPT),
    messageId: properties.messageId ?? '',
    type: properties.type ?? delivery.key,
    persistent: true,
    headers: { ...kept, ...headers },
  };
}
