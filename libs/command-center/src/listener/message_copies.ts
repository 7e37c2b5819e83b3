import type { AppError, Clock, Logger } from '@warren/kernel';
import {
  type ConfirmedPublisher,
  type Delivery,
  deadQueue,
  delayExchange,
  EXCHANGE,
  type OutgoingMessage,
} from '@warren/rabbit';
import type { ListenerTask } from './listener_task.ts';
import { ORIGIN_HEADER, type SenderIdentity } from './sender_identity.ts';

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
/** Bodies that no publisher of ours would send are parked without their end. */
const MAX_BODY_KEPT = 64 * 1024;
const MAX_BODY_SENT = 256 * 1024;
const MAX_MESSAGE_CHARS = 1_000;
const MAX_HEADER_CHARS = 1_024;
const KEPT_HEADERS = ['traceparent', 'warren-actor', 'warren-session', 'warren-roles'];

type Headers = Record<string, string | number>;

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
    return this.#copyThenAck(task, delayExchange(tier), queue, headers);
  }

  /** `queue` is the one that the message came from, and to which a replay sends it. */
  park(task: ListenerTask, error: AppError, reason: string, queue: string): Promise<void> {
    const { logger, prefix } = this.#deps;
    const attempt = task.context?.attempt ?? 1;
    logger.error(
      { err: error, reason, attempt, command: task.name, messageId: task.context?.messageId },
      'message parked in the dead letters',
    );
    return this.#copyThenAck(task, EXCHANGE.dead, deadQueue(prefix), {
      'warren-attempt': attempt,
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
export function reasonOf(error: AppError): string {
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
