import { type AppError, type Clock, type Logger } from '@warren/kernel';
import { type ConfirmedPublisher, DELAY_TIERS, type Delivery, deadQueue, delayExchange, EXCHANGE } from '@warren/rabbit';
import type { Endings } from './endings.ts';
import type { ListenerTask } from './listener_task.ts';
import type { Outcome } from './outcome.ts';

export interface WorkEndingsDeps {
  readonly publisher: ConfirmedPublisher;
  readonly prefix: string;
  /** Queue that the listener works on: a copy from a delay tier comes back to it. */
  readonly queue: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One run and a retry per delay tier. */
const MAX_ATTEMPTS = DELAY_TIERS.length + 1;
const COPY_TIMEOUT_MS = 5_000;
/** A copy could not be stored: breathe before the broker delivers the message again. */
const COPY_FAILED_PAUSE_MS = 500;
const MAX_MESSAGE_CHARS = 1_000;
const KEPT_HEADERS = ['traceparent', 'warren-actor', 'warren-session', 'warren-roles'];

/**
 * Commands and events: nothing is lost. What can be tried again goes to a delay tier, what cannot goes to the dead
 * letters with its reason; both as a confirmed copy, and only then is the original acked.
 */
export class WorkEndings implements Endings {
  readonly #deps: WorkEndingsDeps;

  constructor(deps: WorkEndingsDeps) {
    this.#deps = deps;
  }

  async end(task: ListenerTask, outcome: Outcome): Promise<void> {
    const { delivery } = task;
    switch (outcome.kind) {
      case 'done':
      case 'expired':
        delivery.ack();
        return;
      case 'refused':
        if (task.context !== undefined) task.context.logger.info({ code: outcome.error.code }, 'command refused');
        delivery.ack();
        return;
      case 'retry':
        await this.#retry(task, outcome.error);
        return;
      case 'broken':
        await this.#park(task, outcome.error);
        return;
      case 'handed_back':
        delivery.nack();
        return;
      default:
        outcome satisfies never;
    }
  }

  async #retry(task: ListenerTask, error: AppError): Promise<void> {
    const attempt = task.context?.attempt ?? 1;
    const tier = DELAY_TIERS[attempt - 1];
    if (attempt >= MAX_ATTEMPTS || tier === undefined) {
      await this.#park(task, error);
      return;
    }
    await this.#copyThenAck(task, delayExchange(tier.name), this.#deps.queue, { 'warren-attempt': attempt + 1, 'warren-error-code': error.code });
  }

  async #park(task: ListenerTask, error: AppError): Promise<void> {
    this.#deps.logger.error({ err: error, command: task.name, messageId: task.context?.messageId }, 'message parked in the dead letters');
    await this.#copyThenAck(task, EXCHANGE.dead, deadQueue(this.#deps.prefix), {
      'warren-attempt': task.context?.attempt ?? 1,
      'warren-error-code': error.code,
      'warren-error-message': error.message.slice(0, MAX_MESSAGE_CHARS),
      'warren-source-queue': this.#deps.queue,
    });
  }

  async #copyThenAck(task: ListenerTask, exchange: string, key: string, headers: Record<string, string | number>): Promise<void> {
    const { delivery } = task;
    const { publisher, clock, logger } = this.#deps;
    const outcome = await publisher.publish(copyOf(delivery, exchange, key, headers), { timeoutMs: COPY_TIMEOUT_MS });
    if (outcome === 'confirmed') {
      delivery.ack();
      return;
    }
    logger.error({ outcome, exchange, command: task.name }, 'the copy of a message was not stored; the broker delivers it again');
    await clock.sleep(COPY_FAILED_PAUSE_MS);
    delivery.requeue();
  }
}

function copyOf(delivery: Delivery, exchange: string, key: string, headers: Record<string, string | number>): Parameters<ConfirmedPublisher['publish']>[0] {
  const { properties } = delivery;
  const kept: Record<string, string | number> = {};
  for (const name of KEPT_HEADERS) {
    const value = properties.headers?.[name];
    if (typeof value === 'string') kept[name] = value;
  }
  const origin = properties.headers?.['warren-origin-user'] ?? properties.userId;
  if (typeof origin === 'string') kept['warren-origin-user'] = origin;
  return {
    exchange,
    key,
    body: delivery.body,
    messageId: properties.messageId ?? '',
    type: properties.type ?? delivery.key,
    persistent: true,
    headers: { ...kept, ...headers },
  };
}
