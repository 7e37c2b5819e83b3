import type { Logger } from '@warren/kernel';
import { type Delivery, QueueConsumer, type QueueSpec, type RabbitLink } from '@warren/rabbit';
import type { Metrics } from '@warren/telemetry';
import type { WorkSource } from './work_source.ts';

export interface QueueSourceDeps {
  readonly link: RabbitLink;
  readonly queue: QueueSpec;
  readonly prefetch: number;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The messages of one queue, which all replicas share. */
export class QueueSource implements WorkSource {
  readonly #consumer: QueueConsumer;

  constructor(deps: QueueSourceDeps) {
    const { link, queue, prefetch, onDelivery, logger, metrics } = deps;
    this.#consumer = new QueueConsumer({ link, queue, prefetch, declare: true, onDelivery, logger, metrics });
  }

  get consuming(): boolean {
    return this.#consumer.consuming;
  }

  start(limit?: number): Promise<void> {
    return this.#consumer.start(limit);
  }

  hold(): Promise<void> {
    return this.#consumer.cancel();
  }

  cancel(): Promise<void> {
    return this.#consumer.cancel();
  }

  close(): Promise<void> {
    return this.#consumer.close();
  }
}
