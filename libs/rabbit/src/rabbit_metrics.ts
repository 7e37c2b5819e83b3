import type { Metrics } from '@warren/telemetry';
import { Tally } from './tally.ts';

type RpcEnding = 'value' | 'remote' | 'no_route' | 'timeout' | 'link_lost' | 'aborted';
type Settle = 'ack' | 'nack' | 'reject' | 'stale' | 'double';
type DeliveryKind = 'first' | 'again';
type ReplyDrop =
  | 'late'
  | 'wrong_sender'
  | 'forged'
  | 'no_reply_to'
  | 'link_down'
  | 'overflow'
  | 'returned'
  | 'too_large';

/**
 * What became of a publish. `confirmed`: the broker has it. `returned`: no queue takes it. `nacked`: the queue is full.
 * `unknown`: sent, but the confirm did not come. `not_sent`: never left the process.
 */
export type PublishOutcome = 'confirmed' | 'returned' | 'nacked' | 'unknown' | 'not_sent';

/** The counters of one process's broker traffic. */
export class RabbitMetrics {
  readonly published: Tally<PublishOutcome>;
  readonly calls: Tally<RpcEnding>;
  readonly settles: Tally<Settle>;
  readonly deliveries: Tally<DeliveryKind>;
  readonly replyDrops: Tally<ReplyDrop>;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    const tally = <K extends string>(name: string, help: string, label: string): Tally<K> =>
      new Tally(metrics.counter(name, help, [label]), label);
    this.published = tally('warren_rabbit_published_total', 'Confirmed publishes by outcome.', 'outcome');
    this.calls = tally('warren_rabbit_rpc_calls_total', 'RPC calls made, by outcome.', 'outcome');
    this.settles = tally('warren_rabbit_settles_total', 'Deliveries settled; stale: the channel was gone.', 'how');
    this.deliveries = tally(
      'warren_rabbit_deliveries_total',
      'Messages received; again: the broker had delivered them before.',
      'kind',
    );
    this.replyDrops = tally('warren_rabbit_replies_dropped_total', 'RPC replies that reached nobody.', 'reason');
  }

  /** A consumer that had been lost is back. */
  recovered(queue: string): void {
    this.#metrics
      .counter('warren_rabbit_consumer_recoveries_total', 'Consumers lost and set up again.', ['queue'])
      .inc({ queue });
  }

  /** Looked at whenever the metrics are read. Returns the way back. */
  watch(name: string, help: string, value: () => number): () => void {
    const gauge = this.#metrics.gauge(name, help);
    return this.#metrics.beforeRender(() => gauge.set({}, value()));
  }

  consuming(queue: string, consuming: boolean): void {
    this.#metrics
      .gauge('warren_rabbit_consuming', 'Whether the broker delivers this queue to us.', ['queue'])
      .set({ queue }, consuming ? 1 : 0);
  }
}
