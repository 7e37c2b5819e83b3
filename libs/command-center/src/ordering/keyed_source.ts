import type { Clock, Logger, Rng } from '@warren/kernel';
import { type Delivery, QueueConsumer, type QueueSpec, type RabbitLink } from '@warren/rabbit';
import type { Metrics } from '@warren/telemetry';
import type { WorkSource } from '../listener/work_source.ts';
import { KeyLines } from './key_lines.ts';
import { type HeldPartition, KeyedDelivery, type KeyedEntry, type KeyedOwner } from './keyed_delivery.ts';
import { writtenKey } from './order_key.ts';
import { PartitionShare, type PartitionWork } from './partition_share.ts';
import type { PartitionStore } from './partition_store.ts';

export interface KeyedSourceDeps {
  /** The partitions, in their order. */
  readonly queues: readonly QueueSpec[];
  /** Messages of one partition in our hands. As many commands of one blocked key hold up its partition. */
  readonly prefetch: number;
  /** Messages that are worked on at the same time, each of another key. */
  readonly maxConcurrentTasks: number;
  readonly name: string;
  readonly instance: string;
  readonly store: PartitionStore;
  readonly link: RabbitLink;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface Partition extends HeldPartition {
  readonly consumer: QueueConsumer;
}

/**
 * The commands of a service that have a key: this replica's share of the partitions, each consumed in order. The listener
 * is given one message per key at a time; what it hands back or tries again stays here and keeps its place.
 */
export class KeyedSource implements WorkSource, KeyedOwner {
  readonly #deps: KeyedSourceDeps;
  readonly #lines = new KeyLines();
  readonly #partitions = new Map<number, Partition>();
  readonly #share: PartitionShare;
  readonly #closing = new AbortController();
  readonly #stopListening: () => void;
  readonly #mayRun = ({ partition }: KeyedEntry): boolean => !partition.leaving;
  /** Messages that the listener may have. */
  #limit = 0;
  #out = 0;
  /** Giving partitions back, and taking them again, take their turns. */
  #turns: Promise<void> = Promise.resolve();

  constructor(deps: KeyedSourceDeps) {
    this.#deps = deps;
    const { queues, clock, rng, logger, name, instance, store } = deps;
    const open = (partition: number): PartitionWork => this.#open(partition);
    const able = (): boolean => deps.link.state.up;
    const share = { name, instance, store, open, able, clock, rng, logger, partitions: queues.length };
    // without the store nothing can be done either
    this.#share = new PartitionShare({ ...share, whileAway: 'drop' });
    this.#stopListening = deps.link.onState(({ up }) => up && this.#share.wake());
  }

  /** Also without a single partition: others have them all. */
  get consuming(): boolean {
    for (const { consumer } of this.#partitions.values()) if (!consumer.consuming) return false;
    return true;
  }

  /** @throws AppError of PartitionShare.divided */
  async start(limit: number = this.#deps.maxConcurrentTasks): Promise<void> {
    this.#limit = limit;
    this.#pump();
    await this.#inTurn(async () => this.#share.start());
    await this.#share.divided();
  }

  async hold(): Promise<void> {
    this.#limit = 0;
  }

  /** Others get the partitions as soon as nothing of them is worked on here. */
  async cancel(): Promise<void> {
    this.#limit = 0;
    void this.#inTurn(() => this.#share.stop());
  }

  async close(): Promise<void> {
    this.#limit = 0;
    this.#closing.abort();
    this.#stopListening();
    for (const partition of this.#partitions.values()) partition.onEmpty?.();
    await this.#inTurn(() => this.#share.stop());
  }

  settled(entry: KeyedEntry): void {
    this.#lines.leave(entry);
    this.#cameBack(entry);
  }

  returned(entry: KeyedEntry): void {
    this.#lines.back(entry);
    this.#cameBack(entry);
  }

  again(entry: KeyedEntry, ms: number): void {
    this.#cameBack(entry);
    void this.#deps.clock.sleep(ms, this.#closing.signal).then(() => {
      this.#lines.back(entry);
      this.#pump();
    });
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    const done = this.#turns.then(step);
    this.#turns = done.catch(() => undefined);
    return done;
  }

  #cameBack({ partition }: KeyedEntry): void {
    this.#out--;
    partition.out--;
    if (partition.out === 0) partition.onEmpty?.();
    this.#pump();
  }

  #pump(): void {
    while (this.#out < this.#limit) {
      const entry = this.#lines.take(this.#mayRun);
      if (entry === undefined) return;
      this.#out++;
      entry.partition.out++;
      this.#deps.onDelivery(new KeyedDelivery(entry, this));
    }
  }

  #open(index: number): PartitionWork {
    const { queues, link, prefetch, logger, metrics } = this.#deps;
    const queue = queues[index];
    if (queue === undefined) throw new RangeError(`there is no partition ${index}`);
    const onDelivery = (raw: Delivery): void => this.#arrived(raw, partition, queue.name);
    const consumer = new QueueConsumer({ link, queue, prefetch, declare: true, onDelivery, logger, metrics });
    const partition: Partition = { consumer, leaving: false, out: 0, onEmpty: undefined };
    this.#partitions.set(index, partition);
    consumer
      .start()
      .catch((error: unknown) => logger.warn({ err: error, queue: queue.name }, 'a partition cannot be consumed yet'));
    return {
      release: () => this.#release(index, partition),
      drop: () => this.#drop(index, partition),
    };
  }

  #arrived(raw: Delivery, partition: HeldPartition, queue: string): void {
    this.#lines.add({ raw, key: writtenKey(raw), partition, queue, attempt: undefined, busy: 0, out: false });
    this.#pump();
  }

  /** Ends what is under way. What was not begun goes back to the queue in its order, before anybody else gets any of it. */
  async #release(index: number, partition: Partition): Promise<void> {
    partition.leaving = true;
    if (partition.out > 0 && !this.#closing.signal.aborted) {
      await new Promise<void>((resolve) => {
        partition.onEmpty = resolve;
      });
    }
    await this.#drop(index, partition);
  }

  async #drop(index: number, partition: Partition): Promise<void> {
    partition.leaving = true;
    partition.onEmpty?.();
    await partition.consumer.abandon();
    if (this.#partitions.get(index) === partition) this.#partitions.delete(index);
    this.#pump();
  }
}
