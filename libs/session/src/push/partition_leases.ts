import { type Clock, hash32, type Logger, toAppError } from '@warren/kernel';
import { PUSH_PARTITIONS } from '@warren/rabbit';
import { defineScript, type LeaseStore, type RedisClient } from '@warren/redis';
import type { PushPartition } from './push_partition.ts';

/** A gateway that dies without releasing loses its partitions after this. */
const LEASE_TTL_MS = 6_000;
const TICK_MS = 1_000;
const MEMBERS_KEY = 'gateways';

/** Enters this gateway into the list of live ones, strikes the dead, and counts. By the clock of Redis. */
const ANNOUNCE = defineScript({
  name: 'gatewayAnnounce',
  keys: 1,
  lua: `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`,
  parse: (raw): number => {
    if (typeof raw !== 'number') throw new TypeError('the script answered no number');
    return raw;
  },
});

export interface PartitionLeasesDeps {
  readonly instance: string;
  readonly redis: RedisClient;
  readonly leases: LeaseStore;
  /** Makes the consumer of one partition. */
  readonly open: (partition: number) => PushPartition;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Held {
  readonly epoch: number;
  readonly consumer: PushPartition;
}

/**
 * Divides the push queues among the gateways that live: RabbitMQ 3.10 would give all of them to the gateway that came
 * first. A lease decides who consumes; that a queue has one active consumer is the guard for the time in which two
 * believe in theirs. While Redis is away everybody keeps what they have.
 */
export class PartitionLeases {
  readonly #deps: PartitionLeasesDeps;
  readonly #held = new Map<number, Held>();
  readonly #stopping = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(deps: PartitionLeasesDeps) {
    this.#deps = deps;
  }

  /** Partitions that this gateway consumes. */
  get held(): readonly number[] {
    return [...this.#held.keys()].sort((a, b) => a - b);
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Stops consuming and gives every lease back, so that others need not wait for its end. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await Promise.all([...this.#held.keys()].map((partition) => this.#give(partition)));
    await this.#deps.redis.commands.zrem(MEMBERS_KEY, this.#deps.instance).catch(() => 0);
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#rebalance();
      } catch (error) {
        this.#deps.logger.warn({ err: toAppError(error) }, 'the push queues cannot be divided now');
      }
      await this.#deps.clock.sleep(TICK_MS, this.#stopping.signal);
    }
  }

  async #rebalance(): Promise<void> {
    const { redis, instance } = this.#deps;
    const gateways = await redis.run(ANNOUNCE, [MEMBERS_KEY], [instance, LEASE_TTL_MS]);
    await this.#renewAll();
    const share = Math.ceil(PUSH_PARTITIONS / Math.max(1, gateways));
    const surplus = this.held.slice(share);
    await Promise.all(surplus.map((partition) => this.#give(partition)));
    await this.#claimUpTo(share);
  }

  async #renewAll(): Promise<void> {
    const { leases, instance } = this.#deps;
    const renew = async ([partition, { epoch }]: readonly [number, Held]): Promise<void> => {
      if (!(await leases.renew(leaseKey(partition), instance, epoch, LEASE_TTL_MS))) await this.#lose(partition);
    };
    await Promise.all([...this.#held].map(renew));
  }

  /** Each gateway begins at another partition, so that they do not all ask for the same ones first. */
  async #claimUpTo(share: number): Promise<void> {
    const { leases, instance, open, logger } = this.#deps;
    const first = hash32(instance) % PUSH_PARTITIONS;
    for (let i = 0; i < PUSH_PARTITIONS && this.#held.size < share; i++) {
      const partition = (first + i) % PUSH_PARTITIONS;
      if (this.#held.has(partition) || this.#stopping.signal.aborted) continue;
      const lease = await leases.claim(leaseKey(partition), instance, LEASE_TTL_MS);
      if (lease === undefined) continue;
      const consumer = open(partition);
      this.#held.set(partition, { epoch: lease.epoch, consumer });
      consumer.start();
      logger.info({ partition, epoch: lease.epoch }, 'push partition taken');
    }
  }

  /** Somebody else has the lease: stop at once. */
  async #lose(partition: number): Promise<void> {
    const held = this.#held.get(partition);
    this.#held.delete(partition);
    this.#deps.logger.warn({ partition }, 'push partition lost');
    await held?.consumer.stop();
  }

  async #give(partition: number): Promise<void> {
    const { leases, instance, logger } = this.#deps;
    const held = this.#held.get(partition);
    if (held === undefined) return;
    this.#held.delete(partition);
    await held.consumer.stop();
    await leases.release(leaseKey(partition), instance, held.epoch).catch(() => false);
    logger.info({ partition }, 'push partition given back');
  }
}

const leaseKey = (partition: number): string => `push:${partition}`;
