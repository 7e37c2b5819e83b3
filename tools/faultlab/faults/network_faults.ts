import { setTimeout as sleep } from 'node:timers/promises';
import { ROLES } from '@warren/harness';
import type { FaultProxy, SeededRng } from '@warren/testing';
import type { FaultType } from './fault.ts';

/** Ways of the network that are broken one at a time. */
const STORE_EDGES = [
  ...ROLES.flatMap((role) => [`${role}-0:rabbitmq`, `${role}-1:rabbitmq`]),
  ...['auth', 'allocator', 'coordinator'].flatMap((role) => [`${role}-0:postgres`, `${role}-1:postgres`]),
];
const ALL_EDGES = [
  ...STORE_EDGES,
  ...['gateway', 'allocator'].flatMap((role) => [`${role}-0:redis`, `${role}-1:redis`]),
  'players:gateway-0',
  'players:gateway-1',
];

type Break = (proxy: FaultProxy, rng: SeededRng) => void | Promise<void>;

const network = (begin: Break, options: Partial<FaultType> = {}): FaultType => ({
  targets: ALL_EDGES,
  holdMs: [1_500, 5_000],
  recoverMs: 3_500,
  inject: async ({ edges }, { target, holdMs }, rng) => {
    const proxy = edges.proxyOf(target);
    await begin(proxy, rng);
    await sleep(holdMs);
    await proxy.heal();
  },
  ...options,
});

/** A black hole must last longer than the watchdog of a connection needs to notice it. */
const BLACK_HOLE = { holdMs: [3_000, 13_000], recoverMs: 4_000 } as const;
const MOMENT = { holdMs: [100, 500], recoverMs: 3_000 } as const;

/** Bytes from which a connection is cut: some within a frame, some after many. */
const CUT_BYTES = [1, 7, 8, 9, 100, 1_000, 20_000];

/** What happens to the ways between the processes. */
export const NETWORK_FAULTS = {
  'net.delay': network((proxy, rng) => proxy.delay(rng.int(20, 200), 'both', rng.int(0, 200))),
  /** A steady delay, long enough that work is under way whenever something else happens. */
  'net.slow': network((proxy) => proxy.delay(30), { recoverMs: 500 }),
  'net.bandwidth': network((proxy, rng) => proxy.bandwidth(rng.int(20_000, 80_000)), { recoverMs: 5_000 }),
  'net.stall': network((proxy) => proxy.flow('stall'), BLACK_HOLE),
  'net.drop': network((proxy) => proxy.flow('drop'), BLACK_HOLE),
  'net.drop_to_server': network((proxy) => proxy.flow('drop', 'to_server'), BLACK_HOLE),
  'net.drop_to_client': network((proxy) => proxy.flow('drop', 'to_client'), BLACK_HOLE),
  'net.half_open': network((proxy) => proxy.abandon(), { holdMs: [100, 500], recoverMs: 14_000 }),
  'net.reset': network((proxy) => void proxy.cut(), MOMENT),
  'net.refuse': network(async (proxy) => {
    await proxy.admit('refuse');
    proxy.cut();
  }),
  'net.silence': network(async (proxy) => {
    await proxy.admit('silence');
    proxy.cut();
  }),
  'net.half_close': network((proxy, rng) => proxy.halfClose(rng.pick(['to_server', 'to_client'])), MOMENT),
  'net.cut_after': network((proxy, rng) => {
    proxy.cutAfterBytes(rng.pick(CUT_BYTES), rng.pick(['to_server', 'to_client']));
  }, MOMENT),
  'net.trickle': network((proxy) => proxy.trickle(), { targets: STORE_EDGES }),
  'net.reorder': network((proxy, rng) => proxy.reorder(rng.int(50, 300)), { targets: STORE_EDGES }),
} as const satisfies Readonly<Record<string, FaultType>>;
