import { type AppError, type Clock, type Logger, type Rng, systemClock } from '@warren/kernel';
import type { Metrics } from '@warren/telemetry';
import type { ConsumeMessage } from 'amqplib';
import type { BrokerChannel } from './broker_port.ts';
import { ChannelConsumer } from './channel_consumer.ts';
import { ChannelSupervisor } from './channel_supervisor.ts';
import { declareQueue } from './declare_queue.ts';
import { type Delivery, QueueDelivery } from './delivery.ts';
import { DeliveryLease } from './delivery_lease.ts';
import { raise } from './rabbit_errors.ts';
import type { RabbitLink } from './rabbit_link.ts';
import { RabbitMetrics } from './rabbit_metrics.ts';
import type { QueueSpec } from './topology.ts';

const START_TIMEOUT_MS = 30_000;
const CANCEL_TIMEOUT_MS = 2_000;
/** Errors that waiting does not mend: somebody has to change the broker or the topology. */
const FATAL_CODES = new Set(['BROKER_TOPOLOGY_DRIFT', 'BROKER_ACCESS_REFUSED']);

export interface QueueConsumerDeps {
  readonly link: RabbitLink;
  readonly queue: QueueSpec;
  /** Unsettled messages in our hands at most. */
  readonly prefetch: number;
  /** Declares and binds the queue before consuming, on every channel: for queues of the own service. */
  readonly declare: boolean;
  /** Called once per message, never concurrently; it must not throw and settles the delivery some time later. */
  readonly onDelivery: (delivery: Delivery) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  readonly rng?: Rng;
}

/**
 * Consumes one queue on a channel of its own, and keeps doing so: after a reconnect, after the broker closed the channel,
 * and after the queue was deleted.
 */
export class QueueConsumer {
  readonly #deps: QueueConsumerDeps;
  readonly #metrics: RabbitMetrics;
  readonly #supervisor: ChannelSupervisor<BrokerChannel>;
  readonly #waiting = new Set<() => void>();
  #wanted = false;
  #abandoned = false;
  /** Has consumed since `start`: the next consumer is a recovery. */
  #served = false;
  #prefetch: number;
  /** Of the present channel, from its set-up to its end. */
  #consumer: ChannelConsumer | undefined;
  #lease: DeliveryLease | undefined;

  constructor(deps: QueueConsumerDeps) {
    this.#deps = deps;
    this.#prefetch = deps.prefetch;
    this.#metrics = new RabbitMetrics(deps.metrics);
    this.#supervisor = new ChannelSupervisor({
      ...deps,
      subject: `queue ${deps.queue.name}`,
      open: (session) => session.openChannel(),
      onOpen: (channel) => this.#setUp(channel),
      beforeClose: () => this.#lease?.flush(),
      onLost: () => this.#lost(),
    });
  }

  /** Whether the broker delivers to us at this moment. */
  get consuming(): boolean {
    return this.#wanted && this.#limit > 0 && this.#lease?.open === true;
  }

  /** Why it does not consume; undefined while all is well. */
  get lastError(): AppError | undefined {
    return this.consuming ? undefined : this.#supervisor.lastError;
  }

  /**
   * Resolves when the broker delivers to us, at most `prefetch` unsettled messages. May be called again after `cancel`.
   * @throws AppError BROKER_TOPOLOGY_DRIFT or BROKER_ACCESS_REFUSED at once, SERVICE_UNAVAILABLE after 30 s. The consumer
   * goes on trying in both cases, until `close`.
   */
  async start(prefetch: number = this.#deps.prefetch): Promise<void> {
    this.#wanted = true;
    this.#prefetch = prefetch;
    this.#supervisor.start();
    // where it fails the channel is gone; its successor consumes
    this.#consumer?.adjust().catch(() => undefined);
    await this.#untilConsuming();
  }

  /** Ends the flow: when it resolves, no further delivery comes. What was delivered can still be settled. */
  async cancel(): Promise<void> {
    this.#wanted = false;
    this.#served = false;
    this.#metrics.consuming(this.#deps.queue.name, false);
    const consumer = this.#consumer;
    if (consumer !== undefined && !(await isCancelled(consumer))) await this.#supervisor.recycle();
  }

  /** Cancels and closes the channel. What is not settled by now goes back to the queue. */
  async close(): Promise<void> {
    // before the first await: a link that comes up at this moment would open a channel and declare the queue once more
    this.#supervisor.retire();
    await this.cancel();
    await this.#supervisor.stop();
  }

  /**
   * Closes the channel in one step: the broker takes back what is not settled, in its order, before another consumer of
   * the queue gets anything. After `cancel` it would give the rest to the next one while these are still in our hands.
   */
  async abandon(): Promise<void> {
    this.#wanted = false;
    this.#served = false;
    this.#abandoned = true;
    this.#consumer?.end();
    this.#metrics.consuming(this.#deps.queue.name, false);
    await this.#supervisor.stop();
  }

  async #setUp(channel: BrokerChannel): Promise<void> {
    const { declare, queue, clock = systemClock } = this.#deps;
    const lease = new DeliveryLease(channel, this.#deps.prefetch, { metrics: this.#metrics, clock });
    channel.once('close', () => lease.end());
    this.#lease = lease;
    if (declare) await declareQueue(channel, queue);
    this.#consumer = new ChannelConsumer({
      channel,
      queue: queue.name,
      wanted: () => (this.#wanted ? this.#prefetch : 0),
      onMessage: (message) => this.#deliver(message, lease),
      onConsuming: () => this.#began(),
      onCancelled: () => this.#canceledByBroker(channel),
    });
    await this.#consumer.adjust();
  }

  #began(): void {
    if (!this.#wanted) return;
    this.#metrics.consuming(this.#deps.queue.name, true);
    if (this.#served) this.#recovered();
    this.#served = true;
    this.#wake();
  }

  #recovered(): void {
    this.#metrics.recovered(this.#deps.queue.name);
    this.#deps.logger.info({ queue: this.#deps.queue.name }, 'the consumer has recovered');
  }

  #deliver(message: ConsumeMessage, lease: DeliveryLease): void {
    // goes back with the channel
    if (this.#abandoned) return;
    const delivery = new QueueDelivery(message, lease);
    this.#metrics.deliveries.add(delivery.redelivered ? 'again' : 'first');
    try {
      this.#deps.onDelivery(delivery);
    } catch (cause) {
      // A throw would make amqplib close the channel, with every other message on it.
      this.#deps.logger.error({ err: cause, queue: this.#deps.queue.name }, 'the delivery callback threw');
      if (!delivery.settled) delivery.requeue();
    }
  }

  /** The queue was deleted or moved: a new channel declares and consumes it again. */
  #canceledByBroker(channel: BrokerChannel): void {
    this.#deps.logger.warn({ queue: this.#deps.queue.name }, 'the broker cancelled the consumer');
    void this.#supervisor.discard(channel);
  }

  #lost(): void {
    this.#lease?.end();
    this.#consumer?.end();
    this.#consumer = undefined;
    this.#metrics.consuming(this.#deps.queue.name, false);
    this.#wake();
  }

  get #limit(): number {
    return this.#consumer?.limit ?? 0;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #untilConsuming(): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        settle();
      };
      const check = (): void => {
        const error = this.lastError;
        if (this.consuming && this.#limit === this.#prefetch) finish(resolve);
        else if (error !== undefined && FATAL_CODES.has(error.code)) finish(() => reject(error));
      };
      const timer = setTimeout(() => {
        const message = `Queue ${this.#deps.queue.name} cannot be consumed.`;
        finish(() => reject(this.lastError ?? raise('SERVICE_UNAVAILABLE', { message })));
      }, START_TIMEOUT_MS);
      this.#waiting.add(check);
      check();
    });
  }
}

/** False when the broker did not answer in time. */
async function isCancelled(consumer: ChannelConsumer): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CANCEL_TIMEOUT_MS);
  });
  try {
    return await Promise.race([consumer.adjust().then(() => true), late]);
  } catch {
    // the channel is closed, and the consumer with it
    return true;
  } finally {
    clearTimeout(timer);
  }
}
