import { AppError, silentLogger } from '@warren/kernel';
import { type FakeClock, fakeClock } from '@warren/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { PARTITION_LEASE_MS, PartitionShare, type PartitionShareDeps } from './partition_share.ts';
import type { PartitionStore } from './partition_store.ts';

const PARTITIONS = 8;
const ROUND_MS = 1_000;

let clock: FakeClock;
let leases: Map<number, { holder: string; until: number }>;
let members: Map<string, number>;
let storeIsAway: boolean;

beforeEach(() => {
  clock = fakeClock();
  leases = new Map();
  members = new Map();
  storeIsAway = false;
});

/** As the tables: one truth for all instances. */
function storeOf(instance: string): PartitionStore {
  const ask = async <T>(answer: () => T): Promise<T> => {
    if (storeIsAway)
      throw new AppError('SERVICE_UNAVAILABLE', 'The store is away.', { kind: 'unavailable', retryable: true });
    return answer();
  };
  const until = (): number => clock.monotonicMs() + PARTITION_LEASE_MS;
  const isMine = (partition: number): boolean => leases.get(partition)?.holder === instance;
  return {
    announce: () =>
      ask(() => {
        members.set(instance, until());
        return [...members.values()].filter((end) => end > clock.monotonicMs()).length;
      }),
    claim: (partition) =>
      ask(() => {
        const lease = leases.get(partition);
        if (lease !== undefined && lease.until > clock.monotonicMs() && lease.holder !== instance) return false;
        leases.set(partition, { holder: instance, until: until() });
        return true;
      }),
    renew: (partitions) =>
      ask(() => {
        const kept = partitions.filter(isMine);
        for (const partition of kept) leases.set(partition, { holder: instance, until: until() });
        return kept;
      }),
    release: (partition) => ask(() => void (isMine(partition) && leases.delete(partition))),
    leave: () => ask(() => void members.delete(instance)),
  };
}

interface Instance {
  readonly share: PartitionShare;
  /** What it did with partitions: `open 3`, `release 3`, `drop 3`. */
  readonly did: string[];
  able: boolean;
  /** Lets the work on every released partition end. */
  finish: () => void;
}

function instanceOf(
  name: string,
  { slow = false, ...options }: { slow?: boolean } & Partial<PartitionShareDeps> = {},
): Instance {
  const did: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  if (!slow) resolve();
  const share = new PartitionShare({
    name: 'test',
    partitions: PARTITIONS,
    instance: name,
    store: storeOf(name),
    open: (partition) => {
      did.push(`open ${partition}`);
      return {
        release: async () => {
          await promise;
          did.push(`release ${partition}`);
        },
        drop: async () => void did.push(`drop ${partition}`),
      };
    },
    able: () => instance.able,
    whileAway: 'drop',
    clock,
    rng: { next: () => 1 },
    logger: silentLogger(),
    ...options,
  });
  const instance: Instance = { share, did, able: true, finish: resolve };
  return instance;
}

async function rounds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await clock.advance(ROUND_MS);
}

async function started(...instances: readonly Instance[]): Promise<void> {
  for (const { share } of instances) {
    share.start();
    await clock.advance(0);
    await share.divided();
  }
}

const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const heldBy = (...instances: readonly Instance[]): number[] =>
  instances.flatMap(({ share }) => [...share.held]).sort((a, b) => a - b);

describe('a share of partitions', () => {
  test('waits for a store that is away at its start, and serves when it is back', async () => {
    const one = instanceOf('a');
    storeIsAway = true;
    one.share.start();
    const divided = one.share.divided();
    await rounds(5);
    expect(one.share.held).toEqual([]);
    storeIsAway = false;
    await rounds(6);
    await divided;
    expect(one.share.held).toEqual(all);
  });

  test('says after 30 s why it cannot begin, and goes on trying', async () => {
    const one = instanceOf('a');
    storeIsAway = true;
    one.share.start();
    const divided = expect(one.share.divided()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    await rounds(31);
    await divided;
    storeIsAway = false;
    await rounds(6);
    expect(one.share.held).toEqual(all);
  });

  test('says at once what waiting does not mend', async () => {
    const refused = new AppError('DATABASE_ACCESS_REFUSED', 'No.', { kind: 'internal' });
    const store = { ...storeOf('a'), announce: () => Promise.reject(refused) };
    const one = instanceOf('a', { store });
    one.share.start();
    await clock.advance(0);
    await expect(one.share.divided()).rejects.toBe(refused);
  });

  test('stops while its store is away, without the end of the wait', async () => {
    const one = instanceOf('a');
    storeIsAway = true;
    one.share.start();
    const divided = one.share.divided();
    await rounds(1);
    await one.share.stop();
    await divided;
  });

  test('one instance has all of them', async () => {
    const one = instanceOf('one');
    await started(one);
    expect(one.share.held).toEqual(all);
    await one.share.stop();
  });

  test.each([2, 3, 4])('%i instances have each partition once, and about as many each', async (count) => {
    const instances = Array.from({ length: count }, (_, index) => instanceOf(`instance ${index}`));
    await started(...instances);
    await rounds(5);
    expect(heldBy(...instances)).toEqual(all);
    for (const { share } of instances) {
      expect(share.held.length).toBeGreaterThan(0);
      expect(share.held.length).toBeLessThanOrEqual(Math.ceil(PARTITIONS / count));
    }
    await Promise.all(instances.map(({ share }) => share.stop()));
  });

  test('the share of an instance that ends goes to the others at once, of one that dies after its lease', async () => {
    const [one, two] = [instanceOf('one'), instanceOf('two')];
    await started(one, two);
    await rounds(3);
    expect(heldBy(two)).toHaveLength(4);
    await one.share.stop();
    await rounds(2);
    expect(two.share.held).toEqual(all);

    leases.set(0, { holder: 'dead', until: clock.monotonicMs() + PARTITION_LEASE_MS });
    await rounds(2);
    expect(two.did).toContain('drop 0');
    expect(two.share.held).not.toContain(0);
    await rounds(7);
    expect(two.share.held).toEqual(all);
    await two.share.stop();
  });

  test('a partition that is given back is prolonged until the work on it has ended, and nobody else begins before', async () => {
    const slow = instanceOf('slow', { slow: true });
    const other = instanceOf('other');
    await started(slow, other);
    await rounds(15);
    expect(slow.share.held).toHaveLength(4);
    expect(other.share.held).toEqual([]);
    slow.finish();
    await rounds(2);
    expect(heldBy(slow, other)).toEqual(all);
    expect(slow.did.filter((line) => line.startsWith('drop'))).toEqual([]);
    await Promise.all([slow.share.stop(), other.share.stop()]);
  });

  test('while the store is away the work goes on as long as the lease, then it is let go', async () => {
    const one = instanceOf('one');
    await started(one);
    storeIsAway = true;
    await rounds(4);
    expect(one.share.held).toEqual(all);
    await rounds(10);
    expect(one.share.held).toEqual([]);
    expect(one.did.filter((line) => line.startsWith('drop'))).toHaveLength(PARTITIONS);
    storeIsAway = false;
    await rounds(10);
    expect(one.share.held).toEqual(all);
    await one.share.stop();
  });

  test('work with a guard of its own is kept while the store is away', async () => {
    const one = instanceOf('one', { whileAway: 'keep' });
    await started(one);
    storeIsAway = true;
    await rounds(30);
    expect(one.share.held).toEqual(all);
    storeIsAway = false;
    await one.share.stop();
  });

  test('an instance that could do nothing with its partitions leaves them to others', async () => {
    const [cut, other] = [instanceOf('cut'), instanceOf('other')];
    await started(cut, other);
    await rounds(3);
    cut.able = false;
    await rounds(3);
    expect(cut.share.held).toEqual([]);
    expect(other.share.held).toEqual(all);
    cut.able = true;
    await rounds(5);
    expect(heldBy(cut, other)).toEqual(all);
    expect(cut.share.held).toHaveLength(4);
    await Promise.all([cut.share.stop(), other.share.stop()]);
  });

  test('may be stopped and started again', async () => {
    const one = instanceOf('one');
    await started(one);
    await one.share.stop();
    expect(one.share.held).toEqual([]);
    expect(leases.size).toBe(0);
    await started(one);
    expect(one.share.held).toEqual(all);
    await one.share.stop();
  });
});
