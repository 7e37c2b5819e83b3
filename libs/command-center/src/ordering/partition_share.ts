import { COMMON_ERRORS } from '@warren/contracts';
import { type AppError, type Clock, errorFactory, hash32, type Logger, type Rng, toAppError } from '@warren/kernel';
import { type Pause, PollLoop } from '../poll_loop.ts';
import type { PartitionStore } from './partition_store.ts';

/** An instance that dies without a word loses its partitions after this. */
export const PARTITION_LEASE_MS = 6_000;
const TICK_MS = 1_000;
const START_TIMEOUT_MS = 30_000;

const raise = errorFactory(COMMON_ERRORS);

/** What an instance does with a partition that it has. */
export interface PartitionWork {
  /** Takes nothing more, ends what is under way, and resolves when nothing of the partition is in our hands. */
  release(): Promise<void>;
  /** Somebody else has the partition: lets everything go at once. */
  drop(): Promise<void>;
}

export interface PartitionShareDeps {
  /** What is divided, in logs. */
  readonly name: string;
  readonly partitions: number;
  readonly instance: string;
  readonly store: PartitionStore;
  /** Begins the work on a partition. */
  readonly open: (partition: number) => PartitionWork;
  /** False while this instance could do nothing with a partition, as without its link to the broker. */
  readonly able: () => boolean;
  /**
   * While the store cannot be asked: `keep` goes on with what it has, where the work has a guard of its own and does not
   * need the store; `drop` lets it go when the leases have run out.
   */
  readonly whileAway: 'keep' | 'drop';
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
}

interface Held {
  readonly work: PartitionWork;
  /** On its way out: prolonged until nothing of it is in our hands. */
  leaving: boolean;
}

/**
 * Divides partitions among the instances that live. RabbitMQ 3.10 would give all single-active queues to the instance that
 * came first; so a lease decides who consumes, and that a queue has one active consumer is the guard for the moment in
 * which two believe in theirs.
 */
export class PartitionShare {
  readonly #deps: PartitionShareDeps;
  readonly #held = new Map<number, Held>();
  readonly #leaving = new Set<Promise<void>>();
  #loop: PollLoop | undefined;
  #ending = false;
  #confirmedAt = 0;
  #failure: AppError | undefined;
  #firstRound = Promise.withResolvers<void>();

  constructor(deps: PartitionShareDeps) {
    this.#deps = deps;
  }

  /** Partitions that this instance works on. */
  get held(): readonly number[] {
    return [...this.#held]
      .filter(([, { leaving }]) => !leaving)
      .map(([partition]) => partition)
      .sort((a, b) => a - b);
  }

  start(): void {
    if (this.#loop !== undefined) return;
    const { name } = this.#deps;
    this.#ending = false;
    this.#failure = undefined;
    this.#firstRound = Promise.withResolvers<void>();
    // nobody may be waiting for it
    this.#firstRound.promise.catch(() => undefined);
    this.#loop = new PollLoop({ ...this.#deps, name: `${name} partitions`, pollMs: TICK_MS }, () => this.#round());
    this.#loop.start();
  }

  /**
   * Resolves after the first division, or when stopped.
   * @throws AppError what the store threw: at once where waiting does not mend it, else after 30 s. It goes on trying
   */
  async divided(): Promise<void> {
    const waited = new AbortController();
    const late = this.#deps.clock.sleep(START_TIMEOUT_MS, waited.signal).then(() => {
      if (!waited.signal.aborted) throw this.#failure ?? raise('SERVICE_UNAVAILABLE');
    });
    try {
      await Promise.race([this.#firstRound.promise, late]);
    } finally {
      waited.abort();
    }
  }

  /** Something changed: divide now. */
  wake(): void {
    this.#loop?.wake();
  }

  /** Gives every partition back, so that others need not wait for the end of the leases. May be started again. */
  async stop(): Promise<void> {
    if (this.#loop === undefined) return;
    this.#ending = true;
    this.#firstRound.resolve();
    for (const partition of this.held) this.#give(partition);
    // prolonged until then
    await Promise.all(this.#leaving);
    await this.#loop?.stop();
    this.#loop = undefined;
    await this.#deps.store.leave().catch((error: unknown) => this.#deps.logger.debug({ err: error }, 'no farewell'));
  }

  async #round(): Promise<Pause | void> {
    if (!this.#deps.able()) return this.#leaveToOthers();
    try {
      await this.#divide();
      this.#firstRound.resolve();
    } catch (error) {
      this.#failure = toAppError(error);
      if (!this.#failure.retryable) this.#firstRound.reject(this.#failure);
      await this.#away();
      throw error;
    }
  }

  async #divide(): Promise<void> {
    const { store, partitions, clock } = this.#deps;
    const instances = await store.announce();
    await this.#renew();
    this.#confirmedAt = clock.monotonicMs();
    const share = this.#ending ? 0 : Math.ceil(partitions / Math.max(1, instances));
    for (const partition of this.held.slice(share)) this.#give(partition);
    await this.#claimUpTo(share);
  }

  async #renew(): Promise<void> {
    const ours = [...this.#held.keys()];
    const kept = ours.length === 0 ? [] : await this.#deps.store.renew(ours);
    const lost = ours.filter((partition) => !kept.includes(partition));
    await Promise.all(lost.map((partition) => this.#lose(partition)));
  }

  /** Each instance begins at another partition, so that they do not all ask for the same ones first. */
  async #claimUpTo(share: number): Promise<void> {
    const { partitions, instance, store, open, name, logger } = this.#deps;
    const first = hash32(instance) % partitions;
    for (let i = 0; i < partitions && this.held.length < share; i++) {
      const partition = (first + i) % partitions;
      if (this.#held.has(partition) || !(await store.claim(partition))) continue;
      if (this.#ending) return store.release(partition);
      this.#held.set(partition, { work: open(partition), leaving: false });
      logger.info({ share: name, partition }, 'partition taken');
    }
  }

  async #away(): Promise<void> {
    const { whileAway, clock } = this.#deps;
    if (whileAway === 'keep' || clock.monotonicMs() - this.#confirmedAt < PARTITION_LEASE_MS) return;
    await Promise.all([...this.#held.keys()].map((partition) => this.#lose(partition)));
  }

  /** Others may be able. */
  async #leaveToOthers(): Promise<void> {
    const { store } = this.#deps;
    const ours = [...this.#held.keys()];
    if (ours.length === 0) return;
    await Promise.all(ours.map((partition) => this.#lose(partition)));
    await Promise.all(ours.map((partition) => store.release(partition)));
    await store.leave();
  }

  async #lose(partition: number): Promise<void> {
    const held = this.#held.get(partition);
    this.#held.delete(partition);
    this.#deps.logger.warn({ share: this.#deps.name, partition }, 'partition lost');
    await held?.work.drop();
  }

  /** In the background: work that takes its time must not keep the other leases from being prolonged. */
  #give(partition: number): void {
    const held = this.#held.get(partition);
    if (held === undefined) return;
    held.leaving = true;
    const done = this.#release(partition, held).finally(() => this.#leaving.delete(done));
    this.#leaving.add(done);
  }

  /** Never rejects: a lease that could not be given back runs out. */
  async #release(partition: number, held: Held): Promise<void> {
    const { store, name, logger } = this.#deps;
    try {
      await held.work.release();
      // lost meanwhile: it is somebody else's to give back
      if (this.#held.get(partition) !== held) return;
      this.#held.delete(partition);
      await store.release(partition);
      logger.info({ share: name, partition }, 'partition given back');
    } catch (error) {
      this.#held.delete(partition);
      logger.warn({ err: error, share: name, partition }, 'a partition was not given back in order');
    }
  }
}
