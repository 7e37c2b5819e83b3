import type { ConsumeMessage } from 'amqplib';
import type { DeliveryLease } from './delivery_lease.ts';

/** The AMQP properties of a message as they came, unchecked except by the broker (`userId`). */
export interface DeliveryProperties {
  readonly contentType: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  readonly userId: string | undefined;
  readonly appId: string | undefined;
  readonly type: string | undefined;
  readonly expiration: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp: number | undefined;
  readonly headers: Readonly<Record<string, unknown>> | undefined;
}

/**
 * One message in our hands. It is settled at most once, and only on the channel it came from: a second or a late
 * settlement does nothing, is counted, and never throws.
 */
export interface Delivery {
  readonly body: Buffer;
  readonly key: string;
  readonly exchange: string;
  readonly redelivered: boolean;
  readonly properties: DeliveryProperties;
  readonly settled: boolean;
  /** The channel is gone: the broker gives the message to somebody else, settling it changes nothing. */
  readonly lost: boolean;
  ack(): void;
  /** Back to the queue, counted as a failed delivery by every broker version. */
  requeue(): void;
  /** Back to the queue, not started: free of charge where the broker tells the two apart. */
  nack(): void;
}

/** Made by QueueConsumer alone. */
export class QueueDelivery implements Delivery {
  readonly #message: ConsumeMessage;
  readonly #lease: DeliveryLease;
  #settled = false;

  constructor(message: ConsumeMessage, lease: DeliveryLease) {
    this.#message = message;
    this.#lease = lease;
  }

  get body(): Buffer {
    return this.#message.content;
  }

  get key(): string {
    return this.#message.fields.routingKey;
  }

  get exchange(): string {
    return this.#message.fields.exchange;
  }

  get redelivered(): boolean {
    return this.#message.fields.redelivered;
  }

  get properties(): DeliveryProperties {
    return this.#message.properties;
  }

  get settled(): boolean {
    return this.#settled;
  }

  get lost(): boolean {
    return !this.#lease.open;
  }

  ack(): void {
    if (this.#settleOnce()) this.#lease.ack(this.#message);
  }

  requeue(): void {
    if (this.#settleOnce()) this.#lease.reject(this.#message);
  }

  nack(): void {
    if (this.#settleOnce()) this.#lease.nack(this.#message);
  }

  #settleOnce(): boolean {
    if (this.#settled) {
      this.#lease.countDouble();
      return false;
    }
    this.#settled = true;
    return true;
  }
}
