import { PartitionShare, type PartitionWork } from '@warren/command-center';
import type { Clock, Logger, Rng } from '@warren/kernel';
import { type ConfirmedPublisher, declareServiceTopology, PUSH_PARTITIONS, type RabbitLink } from '@warren/rabbit';
import type { LeaseStore, RedisClient } from '@warren/redis';
import type { Metrics } from '@warren/telemetry';
import type { EventRing } from './event_ring.ts';
import { type Hint, NodeQueue } from './node_queue.ts';
import { PushPartition } from './push_partition.ts';
import { RedisPartitionStore } from './redis_partition_store.ts';

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
  readonly #partitions: PartitionShare;
  #stopListening: () => void = () => undefined;

  constructor(deps: PushDeliveryDeps) {
    this.#deps = deps;
    this.nodes = new NodeQueue(deps);
    this.#partitions = new PartitionShare({
      ...deps,
      name: 'push',
      partitions: PUSH_PARTITIONS,
      store: new RedisPartitionStore(deps),
      open: (partition) => this.#open(partition),
      able: () => deps.consumeLink.state.up,
      // that a queue has one active consumer guards the moment in which two gateways believe in the same lease
      whileAway: 'keep',
    });
  }

  /** Partitions consumed here at this moment. */
  get partitions(): readonly number[] {
    return this.#partitions.held;
  }

  /** @throws AppError BROKER_TOPOLOGY_MISSING, BROKER_TOPOLOGY_DRIFT, BROKER_ACCESS_REFUSED */
  async start(): Promise<void> {
    await declareServiceTopology(this.#deps.consumeLink, 'gateway');
    // what the store cannot say now it says later
    this.#partitions.start();
    this.#stopListening = this.#deps.consumeLink.onState(({ up }) => up && this.#partitions.wake());
  }

  /** Gives the push queues to other gateways. Hints are still heard. */
  stopConsuming(): Promise<void> {
    this.#stopListening();
    return this.#partitions.stop();
  }

  stop(): Promise<void> {
    return this.nodes.stop();
  }

  #open(index: number): PartitionWork {
    const partition = new PushPartition(index, { ...this.#deps, nodes: this.nodes });
    partition.start();
    return { release: () => partition.stop(), drop: () => partition.stop() };
  }
}
