import { PushMessage } from '@warren/contracts';
import {
  AppError,
  backoffMs,
  type Clock,
  continueTrace,
  DEFAULT_JSON_LIMITS,
  formatTraceparent,
  type Logger,
  parseJson,
  parseTraceparent,
  type Rng,
  toAppError,
} from '@warren/kernel';
import {
  type ConfirmedPublisher,
  type Delivery,
  deadLetterOf,
  pushQueue,
  QueueConsumer,
  queuesOf,
  type RabbitLink,
  serviceSpec,
} from '@warren/rabbit';
import { type Counter, type Metrics, startSpan, type WorkSpan } from '@warren/telemetry';
import type { EventRing } from './event_ring.ts';
import type { NodeQueue } from './node_queue.ts';

/** Messages of one partition in our hands. They are appended one after the other, so that each recipient keeps its order. */
const PREFETCH = 64;
const RETRY = { baseMs: 50, maxMs: 2_000 };
const PARK_TIMEOUT_MS = 5_000;
/** Pushes are not limited to what a client may send: 256 KiB is the largest body on the broker. */
const PUSH_LIMITS = { ...DEFAULT_JSON_LIMITS, maxBytes: 256 * 1024, maxKeys: 20_000 };

export interface PushDeps {
  readonly consumeLink: RabbitLink;
  readonly publisher: ConfirmedPublisher;
  readonly ring: EventRing;
  readonly nodes: NodeQueue;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Works off one of the sixteen push queues: append to the recipient's ring, hint, ack. */
export class PushPartition {
  readonly #deps: PushDeps;
  readonly #queue: string;
  readonly #consumer: QueueConsumer;
  readonly #stopping = new AbortController();
  readonly #pushed: Counter;
  #chain: Promise<void> = Promise.resolve();

  constructor(partition: number, deps: PushDeps) {
    this.#deps = deps;
    this.#pushed = deps.metrics.counter('gateway_pushes_total', 'Pushed events by what became of them.', ['outcome']);
    const name = pushQueue(partition);
    this.#queue = name;
    const queue = queuesOf(serviceSpec('gateway')).find((spec) => spec.name === name);
    if (queue === undefined) throw new Error(`the topology has no queue ${name}`);
    const { consumeLink: link, logger, metrics } = deps;
    const onDelivery = (delivery: Delivery): void => {
      if (this.#gone(delivery)) return;
      this.#chain = this.#chain.then(() => this.#handle(delivery));
    };
    this.#consumer = new QueueConsumer({ link, queue, prefetch: PREFETCH, declare: true, onDelivery, logger, metrics });
  }

  /** Starts consuming in the background: the broker holds a second consumer back until the first has gone. */
  start(): void {
    this.#consumer
      .start()
      .catch((error: unknown) => this.#deps.logger.error({ err: error }, 'a push queue cannot be consumed yet'));
  }

  /**
   * Finishes the message that is being appended. The others go back in their order, before another gateway gets any of the
   * partition: one that believes in its lease already waits for the end of our consumer.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#chain;
    await this.#consumer.abandon();
  }

  async #handle(delivery: Delivery): Promise<void> {
    if (this.#gone(delivery)) return;
    const message = readPush(delivery);
    if (message instanceof AppError) return this.#park(delivery, message);
    for (let attempt = 1; !this.#gone(delivery); attempt++) {
      if (await this.#append(delivery, message)) return;
      // retried in place: a detour through a delay queue would let later events overtake this one
      await this.#deps.clock.sleep(backoffMs(attempt, RETRY, this.#deps.rng), this.#stopping.signal);
    }
  }

  /** Not to be settled any more: it goes back with the channel. */
  #gone(delivery: Delivery): boolean {
    return delivery.lost || this.#stopping.signal.aborted;
  }

  async #append(delivery: Delivery, message: ReadPush): Promise<boolean> {
    const { ring, nodes, logger } = this.#deps;
    const { recipient, type, payload, messageId, traceparent } = message;
    const span = startSpan({ role: 'consumer', name: `push ${type}`, parent: parseTraceparent(traceparent) });
    try {
      const event = { messageId, type, payload: JSON.stringify(payload), traceparent: traceparentOf(span) };
      const { duplicate, owner } = await ring.append(recipient, event);
      if (logger.isLevelEnabled('debug'))
        logger.debug({ trace: message.traceId, recipient, type, duplicate }, 'event appended');
      if (owner !== undefined) nodes.tell(owner, 'grown', recipient);
      delivery.ack();
      this.#pushed.inc({ outcome: duplicate ? 'duplicate' : 'appended' });
      return true;
    } catch (error) {
      this.#pushed.inc({ outcome: 'retried' });
      span?.fail(toAppError(error).code);
      logger.warn({ err: toAppError(error), recipient }, 'an event waits, because its ring cannot be written');
      return false;
    } finally {
      span?.end();
    }
  }

  /** What nobody can read would block its partition for ever: it goes to the dead letters, confirmed, before it is acked. */
  async #park(delivery: Delivery, error: AppError): Promise<void> {
    const { publisher, logger } = this.#deps;
    const { messageId = 'unknown', userId = 'unknown' } = delivery.properties;
    logger.error({ err: error, messageId, key: delivery.key }, 'a pushed message cannot be read and is parked');
    const parked = deadLetterOf(delivery, {
      prefix: 'gateway',
      queue: this.#queue,
      origin: userId,
      attempt: 1,
      reason: error.kind === 'too_large' ? 'too_large' : 'invalid_payload',
      code: error.code,
      message: error.message,
    });
    const outcome = await publisher.publish(parked, { timeoutMs: PARK_TIMEOUT_MS }).catch(() => 'nacked' as const);
    this.#pushed.inc({ outcome: outcome === 'confirmed' ? 'parked' : 'park_failed' });
    if (outcome === 'confirmed') delivery.ack();
    else delivery.requeue();
  }
}

interface ReadPush extends PushMessage {
  readonly messageId: string;
  /** Trace of the work that sent the event. */
  readonly traceId: string;
  readonly traceparent: string | undefined;
}

/** @returns the message, or what is wrong with it */
function readPush(delivery: Delivery): ReadPush | AppError {
  const { messageId } = delivery.properties;
  if (messageId === undefined) return unreadable('A pushed message needs a messageId.');
  try {
    const message = PushMessage.safeParse(parseJson(delivery.body, PUSH_LIMITS));
    return message.success && message.data.payload !== undefined
      ? { ...message.data, messageId, ...traceOf(delivery) }
      : unreadable('A pushed message needs a recipient, a type and a payload.');
  } catch (cause) {
    return toAppError(cause);
  }
}

const unreadable = (message: string): AppError => new AppError('REQUEST_INVALID', message, { kind: 'invalid' });

function traceOf(delivery: Delivery): Pick<ReadPush, 'traceId' | 'traceparent'> {
  const header = delivery.properties.headers?.['traceparent'];
  const traceparent = typeof header === 'string' ? header : undefined;
  return { traceId: continueTrace(traceparent).traceId, traceparent };
}

/** What the socket's span gets as its parent; nothing is kept in the ring while no spans are exported. */
const traceparentOf = (span: WorkSpan | undefined): string => (span === undefined ? '' : formatTraceparent(span.trace));
