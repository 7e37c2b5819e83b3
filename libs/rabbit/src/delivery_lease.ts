import type { Clock } from '@warren/kernel';
import type { ConsumeMessage } from 'amqplib';
import type { BrokerChannel } from './broker_port.ts';
import type { RabbitMetrics } from './rabbit_metrics.ts';

/** An ack is told to the broker no later than this. */
const MAX_ACK_DELAY_MS = 5;
/** When a quarter of the prefetch waits to be told, it is told at once: the broker must never wait for acks. */
const PREFETCH_SHARE = 4;

interface LeaseDeps {
  readonly metrics: RabbitMetrics;
  readonly clock: Clock;
}

/**
 * The right to settle the messages of one channel. It ends with the channel and is never carried over to the next one.
 * Acks are collected for a moment; those without a gap before them leave as one frame, the others one by one, so that a
 * slow message holds up nobody's ack. Whatever is collected when the process dies is delivered again, like everything
 * that was not acked.
 */
export class DeliveryLease {
  readonly #channel: BrokerChannel;
  readonly #metrics: RabbitMetrics;
  readonly #clock: Clock;
  /** Acks that may wait for more; 0 where the prefetch is small. */
  readonly #mayWait: number;
  /** Acked by us, not yet told to the broker. At most the prefetch. */
  #acked: ConsumeMessage[] = [];
  /** Tags of what is settled, whether told or not, while an older delivery is not. */
  readonly #settled = new Set<number>();
  readonly #flush = (): void => this.flush();
  /** Every delivery tag below is settled. */
  #base = 1;
  #callOff: (() => void) | undefined;
  #soon = false;
  #open = true;

  constructor(channel: BrokerChannel, prefetch: number, { metrics, clock }: LeaseDeps) {
    this.#channel = channel;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#mayWait = Math.floor(prefetch / PREFETCH_SHARE) - 1;
  }

  get open(): boolean {
    return this.#open;
  }

  end(): void {
    this.#open = false;
    this.#callOff?.();
    this.#acked = [];
    this.#settled.clear();
  }

  ack(message: ConsumeMessage): void {
    if (!this.#open) {
      this.#metrics.settles.add('stale');
      return;
    }
    this.#settled.add(message.fields.deliveryTag);
    this.#metrics.settles.add('ack');
    if (this.#acked.push(message) > this.#mayWait) this.#flushSoon();
    else this.#callOff ??= this.#clock.after(MAX_ACK_DELAY_MS, this.#flush);
  }

  nack(message: ConsumeMessage): void {
    if (this.#tell(() => this.#channel.nack(message, false, true))) this.#settledAlone(message, 'nack');
  }

  reject(message: ConsumeMessage): void {
    if (this.#tell(() => this.#channel.reject(message, true))) this.#settledAlone(message, 'reject');
  }

  countDouble(): void {
    this.#metrics.settles.add('double');
  }

  /** Sends the collected acks now. */
  flush(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#soon = false;
    const acked = this.#acked;
    if (acked.length === 0) return;
    this.#acked = [];
    this.#advance();
    const last = newestBelow(this.#base, acked);
    if (last !== undefined) this.#tell(() => this.#channel.ack(last, true));
    for (const message of acked) {
      if (message.fields.deliveryTag >= this.#base && !this.#tell(() => this.#channel.ack(message))) break;
    }
  }

  /** Once per turn of the event loop, however many messages end in it. */
  #flushSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    setImmediate(this.#flush);
  }

  /** Moves the base over everything settled. */
  #advance(): void {
    while (this.#settled.delete(this.#base)) this.#base++;
  }

  #settledAlone(message: ConsumeMessage, how: 'nack' | 'reject'): void {
    this.#settled.add(message.fields.deliveryTag);
    this.#metrics.settles.add(how);
    // Without this the set would grow for as long as nobody acks.
    if (this.#acked.length === 0) this.#advance();
  }

  /** False, and counted as stale, when the channel is gone: the broker gives the message to somebody else. */
  #tell(settle: () => void): boolean {
    if (this.#open) {
      try {
        settle();
        return true;
      } catch {
        // amqplib throws on a channel that is closing
      }
    }
    this.#metrics.settles.add('stale');
    return false;
  }
}

/** The newest message with a tag below `base`: one ack of it tells of all before it. */
function newestBelow(base: number, messages: readonly ConsumeMessage[]): ConsumeMessage | undefined {
  let newest: ConsumeMessage | undefined;
  for (const message of messages) {
    const tag = message.fields.deliveryTag;
    if (tag < base && (newest === undefined || tag > newest.fields.deliveryTag)) newest = message;
  }
  return newest;
}
