import type { Metrics } from '@warren/telemetry';
import { type Tally, tallies } from './tally.ts';

const PUBLISH_OUTCOMES = ['confirmed', 'returned', 'nacked', 'unknown', 'not_sent'] as const;
const RPC_OUTCOMES = ['value', 'remote', 'no_route', 'timeout', 'link_lost', 'aborted'] as const;
const SETTLES = ['ack', 'nack', 'reject', 'stale', 'double'] as const;
const REPLY_DROPS = ['late', 'forged', 'no_reply_to', 'link_down', 'overflow', 'returned', 'too_large'] as const;

/**
 * What became of a publish. `confirmed`: the broker has it. `returned`: no queue takes it. `nacked`: the queue is full.
 * `unknown`: sent, but the confirm did not come. `not_sent`: never left the process.
 */
export type PublishOutcome = (typeof PUBLISH_OUTCOMES)[number];

/** The counters of one process's broker traffic. */
export class RabbitMetrics {
  readonly published: Record<PublishOutcome, Tally>;
  readonly calls: Record<(typeof RPC_OUTCOMES)[number], Tally>;
  readonly settles: Record<(typeof SETTLES)[number], Tally>;
  readonly replyDrops: Record<(typeof REPLY_DROPS)[number], Tally>;
  readonly #metrics: Metrics;

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
    this.published = tallies(
      metrics.counter('warren_rabbit_published_total', 'Confirmed publishes by outcome.', ['outcome']),
      'outcome',
      PUBLISH_OUTCOMES,
    );
    this.calls = tallies(
      metrics.counter('warren_rabbit_rpc_calls_total', 'RPC calls made, by outcome.', ['outcome']),
      'outcome',
      RPC_OUTCOMES,
    );
    this.settles = tallies(
      metrics.counter('warren_rabbit_settles_total', 'Deliveries settled; stale: the channel was gone.', ['how']),
      'how',
      SETTLES,
    );
    this.replyDrops = tallies(
      metrics.counter('warren_rabbit_replies_dropped_total', 'RPC replies that reached nobody.', ['reason']),
      'reason',
      REPLY_DROPS,
    );
  }

  consuming(queue: string, consuming: boolean): void {
    this.#metrics
      .gauge('warren_rabbit_consuming', 'Whether the broker delivers this queue to us.', ['queue'])
      .set({ queue }, consuming ? 1 : 0);
  }
}
