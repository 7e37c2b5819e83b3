import type { RecoveryBounds } from './checkers/recovery.ts';
import type { TimelinePlan } from './schedule/make_timeline.ts';

/** Everything that a run is made of, beside its seed and its length. */
export interface Profile {
  readonly name: string;
  readonly summary: string;
  readonly plan: TimelinePlan;
  readonly commandsPerSecond: number;
  readonly players: number;
  readonly minutes: number;
  /** Shares of the commands by workload. */
  readonly shares: { readonly accounts: number; readonly tickets: number; readonly games: number };
  /** Share of calls whose first attempt is sent twice at once. */
  readonly doubled: number;
  /** Share of calls whose caller walks away after a first attempt that did not succeed. */
  readonly impatient: number;
  /** Share of games whose lease runs out. */
  readonly forgotten: number;
  readonly bounds: RecoveryBounds;
  /** After the last heal, before leaks are looked for, milliseconds. */
  readonly restMs: number;
  /** How long calls, processes and queues have to come to rest when the load is over, milliseconds each. */
  readonly patienceMs: number;
  /** What the run must have met. */
  readonly required: readonly string[] | 'everything';
  /** Extra environment of the services. */
  readonly env: Readonly<Record<string, string>>;
}

const BASE = {
  commandsPerSecond: 40,
  players: 24,
  minutes: 0.6,
  shares: { accounts: 0.4, tickets: 0.3, games: 0.3 },
  doubled: 0.06,
  impatient: 0.03,
  forgotten: 0.15,
  bounds: { firstSuccessMs: 20_000, calmAfterMs: 8_000, calmSuccess: 0.97, slowdown: 3 },
  restMs: 2_000,
  patienceMs: 20_000,
  required: [],
  env: { LOG_LEVEL: 'info', ALLOCATOR_GAME_CACHE_TTL: '6', ALLOCATOR_SERVER_LOST_AFTER_SECONDS: '600' },
} as const satisfies Partial<Profile>;

const MIXED_DECK = {
  'broker.kill': 4,
  'broker.restart': 1,
  'postgres.kill': 8,
  'postgres.restart': 2,
  'postgres.terminate': 2,
  'redis.kill': 2,
  'broker.alarm': 2,
  'broker.delete_queue': 2,
  'broker.unbind': 2,
  'broker.close_connections': 1,
  'net.delay': 1,
  'net.bandwidth': 1,
  'net.stall': 1,
  'net.drop': 1,
  'net.drop_to_server': 1,
  'net.drop_to_client': 1,
  'net.half_open': 1,
  'net.reset': 1,
  'net.refuse': 1,
  'net.silence': 1,
  'net.half_close': 1,
  'net.cut_after': 1,
  'net.trickle': 1,
  'net.reorder': 1,
  'process.term': 3,
  'process.kill': 3,
  'process.stop': 2,
  'process.fd_limit': 1,
  'process.clock': 1,
} as const satisfies TimelinePlan['deck'];

const ALLOCATORS = ['allocator-0', 'allocator-1'];
const SERVICES = ['auth', 'allocator', 'coordinator'].flatMap((role) => [`${role}-0`, `${role}-1`]);
const to = (server: string, replicas: readonly string[]): string[] => replicas.map((replica) => `${replica}:${server}`);

const PROFILE_LIST: readonly Profile[] = [
  {
    ...BASE,
    name: 'mixed',
    summary: 'every kind of fault, at least a third of them kills of the broker or of Postgres',
    minutes: 10,
    commandsPerSecond: 190,
    players: 160,
    restMs: 60_000,
    patienceMs: 60_000,
    plan: { calmMs: 20_000, overlap: 0.25, deck: MIXED_DECK },
    required: 'everything',
  },
  {
    ...BASE,
    name: 'short',
    summary: 'a handful of faults of each kind, for every run of the tests',
    minutes: 1,
    commandsPerSecond: 20,
    players: 12,
    patienceMs: 60_000,
    // on a machine that is busy with other tests; the longer profiles say how fast and how surely
    bounds: { ...BASE.bounds, firstSuccessMs: 60_000, calmSuccess: 0, slowdown: 20 },
    plan: {
      calmMs: 6_000,
      overlap: 0.3,
      pace: 0.6,
      deck: {
        'broker.kill': 1,
        'postgres.kill': 1,
        'postgres.terminate': 1,
        'redis.kill': 1,
        'broker.alarm': 1,
        'broker.delete_queue': 1,
        'net.drop': 1,
        'net.reset': 1,
        'net.half_close': 1,
        'process.kill': 1,
        'process.term': 1,
        'process.clock': 1,
      },
    },
    required: ['same key answered twice', 'no route', 'parked', 'lease expired', 'redelivered', 'link lost'],
  },
  {
    ...BASE,
    name: 'calm',
    summary: 'no fault at all: what the machine and the lab can do',
    minutes: 1,
    plan: { calmMs: 10_000, overlap: 0, deck: {} },
  },
  {
    ...BASE,
    name: 'quiet',
    summary: 'no fault and few players',
    players: 6,
    plan: { calmMs: 10_000, overlap: 0, deck: {} },
  },
  {
    ...BASE,
    name: 'holes',
    summary: 'what the allocator publishes is swallowed by the network',
    shares: { accounts: 0.1, tickets: 0.1, games: 0.8 },
    forgotten: 0.6,
    plan: {
      calmMs: 6_000,
      overlap: 0,
      deck: { 'net.drop': 1, 'net.drop_to_server': 2 },
      targets: { 'net.drop': to('rabbitmq', ALLOCATORS), 'net.drop_to_server': to('rabbitmq', ALLOCATORS) },
    },
    required: ['publish unknown', 'outbox held up', 'lease expired'],
  },
  {
    ...BASE,
    name: 'crashes',
    summary: 'allocators are killed while work is under way',
    shares: { accounts: 0.1, tickets: 0.1, games: 0.8 },
    forgotten: 0,
    plan: {
      calmMs: 6_000,
      overlap: 0,
      pace: 0.9,
      deck: { 'process.kill': 1 },
      targets: { 'process.kill': ALLOCATORS },
      slow: to('postgres', ALLOCATORS),
    },
    required: ['redelivered'],
  },
  {
    ...BASE,
    name: 'doubles',
    summary: 'half of all calls are made twice at once',
    doubled: 0.5,
    plan: { calmMs: 6_000, overlap: 0, deck: { 'net.delay': 1 }, targets: { 'net.delay': to('postgres', SERVICES) } },
    required: ['same key answered twice'],
  },
  {
    ...BASE,
    name: 'resets',
    summary: 'connections to the broker are reset, refused and closed',
    plan: {
      calmMs: 6_000,
      overlap: 0.2,
      pace: 0.5,
      deck: { 'net.reset': 3, 'net.refuse': 1, 'broker.close_connections': 1 },
      targets: {
        'net.reset': to('rabbitmq', [...SERVICES, 'gateway-0', 'gateway-1']),
        'net.refuse': to('rabbitmq', [...SERVICES, 'gateway-0', 'gateway-1']),
      },
    },
    required: ['link lost'],
  },
  {
    ...BASE,
    name: 'retries',
    summary: 'Postgres is away for seconds, again and again',
    shares: { accounts: 0.1, tickets: 0.1, games: 0.8 },
    forgotten: 0,
    plan: {
      calmMs: 6_000,
      overlap: 0,
      deck: { 'net.refuse': 1 },
      targets: { 'net.refuse': to('postgres', ALLOCATORS) },
    },
    required: ['retry tier'],
  },
  {
    ...BASE,
    name: 'alarms',
    summary: 'the memory alarm of the broker comes while work waits',
    env: { ...BASE.env, ALLOCATOR_MAX_CONCURRENT_TASKS: '8' },
    plan: { calmMs: 6_000, overlap: 0, deck: { 'broker.alarm_backlog': 1 } },
    required: ['blocked'],
  },
  {
    ...BASE,
    name: 'clocks',
    summary: 'wall clocks jump by an hour',
    plan: {
      calmMs: 6_000,
      overlap: 0,
      deck: { 'process.clock': 1 },
      targets: { 'process.clock': SERVICES },
      slow: to('postgres', SERVICES),
    },
  },
  {
    ...BASE,
    name: 'deletions',
    summary: 'queues are deleted under their consumers',
    plan: { calmMs: 6_000, overlap: 0, deck: { 'broker.delete_queue': 1 } },
    required: ['consumer cancelled', 'no route'],
  },
  {
    ...BASE,
    name: 'half_open',
    summary: 'connections to Postgres and to the broker stay open and silent for ever',
    plan: {
      calmMs: 6_000,
      overlap: 0,
      deck: { 'net.half_open': 1 },
      targets: { 'net.half_open': to('postgres', SERVICES) },
    },
  },
  {
    ...BASE,
    name: 'rollbacks',
    summary: 'sessions of Postgres end in the middle of transactions',
    shares: { accounts: 0.1, tickets: 0.1, games: 0.8 },
    forgotten: 0.7,
    plan: {
      calmMs: 6_000,
      overlap: 0,
      pace: 0.4,
      deck: { 'postgres.terminate': 1 },
      slow: to('postgres', ALLOCATORS),
    },
    required: ['lease expired'],
  },
  {
    ...BASE,
    name: 'rolling',
    summary: 'services are told to end, one after the other, while work is under way',
    plan: {
      calmMs: 6_000,
      overlap: 0,
      pace: 2,
      deck: { 'process.term': 1 },
      targets: { 'process.term': SERVICES },
      slow: to('postgres', SERVICES),
    },
  },
];

export const PROFILES: Readonly<Record<string, Profile>> = Object.fromEntries(
  PROFILE_LIST.map((profile) => [profile.name, profile]),
);
