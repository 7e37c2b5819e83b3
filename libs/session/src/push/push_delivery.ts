import type { Clock, Logger, Rng } from '@warren/kernel';
import { type ConfirmedPublisher, declareServiceTopology, type RabbitLink } from '@warren/rabbit';
import type { LeaseStore, RedisClient } from '@warren/redis';
import type { Metrics } from '@warren/telemetry';
import type { EventRing } from './event_ring.ts';
import { type Hint, NodeQueue } from './node_queue.ts';
import { PartitionLeases } from './partition_leases.ts';
import { PushPartition } from './push_partition.ts';

export interface PushDeliveryDeps {
  readonly instance: string;
  readonly consumeLink: RabbitLink;
  readonly publisher: ConfirmedPublisher;
  readonly redis: RedisClient;
  readonly ring: EventRing;
  readonly leases: LeaseStore;
  readonly onHint: (hint: Hint) => void;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The way of pushed events through this gateway: its share of the push queues in, hints out and in. */
export class PushDelivery {
  readonly nodes: NodeQueue;
  readonly #deps: PushDeliveryDeps;
  readonly #partitions: PartitionLeases;

  constructor(deps: PushDeliveryDeps) {
    this.#deps = deps;
    this.nodes = new NodeQueue(deps);
    const open = (partition: number): PushPartition => new PushPartition(partition, { ...deps, nodes: this.nodes });
    this.#partitions = new PartitionLeases({ ...deps, open });
  }

  /** Partitions consumed here at this moment. */
  get partitions(): readonly number[] {
    return this.#partitions.held;
  }

  /** @throws AppError BROKER_TOPOLOGY_MISSING, BROKER_TOPOLOGY_DRIFT, BROKER_ACCESS_REFUSED */
  async start(): Promise<void> {
    await declareServiceTopology(this.#deps.consumeLink, 'gateway');
    this.#partitions.start();
  }

  /** Gives the push queues to other gateways. Hints are still heard. */
  stopConsuming(): Promise<void> {
    return this.#partitions.stop();
  }

  stop(): Promise<void> {
    return this.nodes.stop();
  }
}
