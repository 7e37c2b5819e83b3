import { type Clock, type Logger, systemClock } from '@warren/kernel';
import type { Gauge, Metrics } from '@warren/telemetry';
import type { LinkSession } from './link_session.ts';
import type { RabbitLink } from './rabbit_link.ts';

const DEFAULT_EVERY_MS = 10_000;

export interface QueueDepthsDeps {
  readonly link: RabbitLink;
  /** Queues that are empty while all is well. */
  readonly queues: readonly string[];
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  readonly everyMs?: number;
}

/**
 * Tells in `warren_rabbit_queue_messages` how much waits where nobody consumes: dead letters and what no queue took. A
 * passive declare, which is all it takes, needs no rights on the queue.
 */
export class QueueDepths {
  readonly #deps: QueueDepthsDeps;
  readonly #clock: Clock;
  readonly #gauge: Gauge;
  readonly #stopping = new AbortController();
  #release: (() => void) | undefined;

  constructor(deps: QueueDepthsDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? systemClock;
    this.#gauge = deps.metrics.gauge('warren_rabbit_queue_messages', 'Messages that wait in a queue.', ['queue']);
  }

  start(): void {
    this.#release ??= this.#deps.link.use((session) => this.#watch(session));
  }

  stop(): void {
    this.#stopping.abort();
    this.#release?.();
  }

  async #watch(session: LinkSession): Promise<void> {
    const { queues, everyMs = DEFAULT_EVERY_MS } = this.#deps;
    const { signal } = this.#stopping;
    while (session.alive && !signal.aborted) {
      for (const queue of queues) await this.#look(session, queue);
      await session.pause(everyMs, this.#clock, signal);
    }
  }

  /** On a channel of its own: a queue that does not exist costs the channel. */
  async #look(session: LinkSession, queue: string): Promise<void> {
    try {
      const channel = await session.openChannel();
      const { messageCount } = await session.within(channel.checkQueue(queue), 'queue.declare');
      this.#gauge.set({ queue }, messageCount);
      await session.within(channel.close(), 'channel.close');
    } catch (cause) {
      this.#deps.logger.debug({ err: cause, queue }, 'the depth of a queue is not known');
    }
  }
}
