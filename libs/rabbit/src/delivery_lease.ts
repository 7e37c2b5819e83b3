import type { Channel, ConsumeMessage } from 'amqplib';
import type { RabbitMetrics } from './rabbit_metrics.ts';

/** The right to settle the messages of one channel. It ends with the channel and is never carried over to the next one. */
export class DeliveryLease {
  readonly #channel: Channel;
  readonly #metrics: RabbitMetrics;
  #open = true;

  constructor(channel: Channel, metrics: RabbitMetrics) {
    this.#channel = channel;
    this.#metrics = metrics;
  }

  get open(): boolean {
    return this.#open;
  }

  end(): void {
    this.#open = false;
  }

  ack(message: ConsumeMessage): void {
    this.#settle('ack', message);
  }

  nack(message: ConsumeMessage): void {
    this.#settle('nack', message);
  }

  reject(message: ConsumeMessage): void {
    this.#settle('reject', message);
  }

  countDouble(): void {
    this.#metrics.settles.double.add();
  }

  #settle(how: 'ack' | 'nack' | 'reject', message: ConsumeMessage): void {
    if (!this.#open) {
      this.#metrics.settles.stale.add();
      return;
    }
    try {
      if (how === 'ack') this.#channel.ack(message);
      else if (how === 'nack') this.#channel.nack(message, false, true);
      else this.#channel.reject(message, true);
      this.#metrics.settles[how].add();
    } catch {
      // amqplib throws on a channel that is closing; the broker requeues what was not settled
      this.#metrics.settles.stale.add();
    }
  }
}
