import { PARTITION_LEASE_MS, type PartitionStore } from '@warren/command-center';
import { defineScript, type LeaseStore, type RedisClient } from '@warren/redis';

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

export interface RedisPartitionStoreDeps {
  readonly instance: string;
  readonly redis: RedisClient;
  readonly leases: LeaseStore;
}

/** Which gateway has which push partition. */
export class RedisPartitionStore implements PartitionStore {
  readonly #deps: RedisPartitionStoreDeps;
  readonly #epochs = new Map<number, number>();

  constructor(deps: RedisPartitionStoreDeps) {
    this.#deps = deps;
  }

  announce(): Promise<number> {
    return this.#deps.redis.run(ANNOUNCE, [MEMBERS_KEY], [this.#deps.instance, PARTITION_LEASE_MS]);
  }

  async claim(partition: number): Promise<boolean> {
    const { leases, instance } = this.#deps;
    const lease = await leases.claim(leaseKey(partition), instance, PARTITION_LEASE_MS);
    if (lease === undefined) return false;
    this.#epochs.set(partition, lease.epoch);
    return true;
  }

  async renew(partitions: readonly number[]): Promise<readonly number[]> {
    const { leases, instance } = this.#deps;
    const renewed = await Promise.all(
      partitions.map((partition) =>
        leases.renew(leaseKey(partition), instance, this.#epochOf(partition), PARTITION_LEASE_MS),
      ),
    );
    return partitions.filter((_, index) => renewed[index]);
  }

  async release(partition: number): Promise<void> {
    const { leases, instance } = this.#deps;
    await leases.release(leaseKey(partition), instance, this.#epochOf(partition));
    this.#epochs.delete(partition);
  }

  async leave(): Promise<void> {
    await this.#deps.redis.commands.zrem(MEMBERS_KEY, this.#deps.instance);
  }

  /** No lease has the epoch 0. */
  #epochOf(partition: number): number {
    return this.#epochs.get(partition) ?? 0;
  }
}

const leaseKey = (partition: number): string => `push:${partition}`;
