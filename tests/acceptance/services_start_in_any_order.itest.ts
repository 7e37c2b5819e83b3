import { bySize, type PrivateServers, privateServers, SeededRng, testSeed } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AppProcess } from '../e2e/support/app_process.ts';
import { assertCleanLogs } from '../e2e/support/clean_logs.ts';
import { say } from '../e2e/support/say.ts';
import { until } from '../e2e/support/until.ts';
import { type Role, WarrenSystem } from '../e2e/support/warren_system.ts';
import { pause } from './support/pause.ts';

/** `short` shares two cores with everything else, so that a start of Node alone may take seconds. */
const SIZE = bySize({
  short: { orders: 2, missingMs: 4_000, readyMs: 20_000 },
  full: { orders: 10, missingMs: 30_000, readyMs: 3_000 },
});
const ROLES: readonly Role[] = ['auth', 'allocator', 'coordinator', 'gateway'];
const SERVERS = ['rabbit', 'postgres', 'redis'] as const;
type Part =
  | { readonly kind: 'service'; readonly name: Role }
  | { readonly kind: 'server'; readonly name: (typeof SERVERS)[number] };
const PARTS: readonly Part[] = [
  ...ROLES.map((name) => ({ kind: 'service', name }) as const),
  ...SERVERS.map((name) => ({ kind: 'server', name }) as const),
];
const READY_TIMEOUT_MS = 60_000;

const rng = new SeededRng(testSeed());
let servers: PrivateServers;
let system: WarrenSystem;

/** Everything is set up once, then all of it is stopped. */
beforeAll(async () => {
  servers = await privateServers();
  const [rabbit, postgres, redis] = await Promise.all([servers.rabbit(), servers.postgres(), servers.redis()]);
  system = await WarrenSystem.prepare({ broker: rabbit, postgres: postgres.url, redis: redis.url });
  await stopServers();
}, 180_000);

afterAll(async () => {
  const faults = await system.stop();
  await servers.destroy();
  assertCleanLogs(system, []);
  expect(faults).toEqual([]);
}, 60_000);

async function stopServers(): Promise<void> {
  await Promise.all(SERVERS.map(async (name) => (await servers[name]()).stop()));
}

const namesOf = (order: readonly Part[]): string => order.map(({ name }) => name).join(', ');

/** Whether the service says of itself that nothing is missing. */
async function isReady(process: AppProcess): Promise<boolean> {
  const adminUrl = process.lines.find(({ msg }) => msg === 'ready')?.['adminUrl'];
  return typeof adminUrl === 'string' && (await fetch(`${adminUrl}/readyz`)).ok;
}

/** Starts the parts one after the other, with pauses. Resolves to the milliseconds from the last one until all are ready. */
async function startIn(order: readonly Part[]): Promise<number> {
  const pauseMs = SIZE.missingMs / (order.length - 1);
  let lastAt = performance.now();
  for (const [index, part] of order.entries()) {
    if (index > 0) await pause(pauseMs);
    lastAt = performance.now();
    if (part.kind === 'service') {
      system.launch(part.name);
      continue;
    }
    await servers[part.name]();
    lastAt = performance.now();
  }
  const launched = ROLES.flatMap((role) => system.of(role));
  const allReady = async (): Promise<boolean> => (await Promise.all(launched.map(isReady))).every(Boolean);
  await until(allReady, { timeoutMs: READY_TIMEOUT_MS, what: `all services are ready after ${namesOf(order)}` });
  return Math.round(performance.now() - lastAt);
}

test(`A-20: services become ready in ${SIZE.orders} orders of starts, with servers missing for a while`, {
  timeout: SIZE.orders * (SIZE.missingMs + 120_000),
  retry: 0,
}, async () => {
  const orders = rng.fork('orders');
  const tookMs: number[] = [];
  for (let round = 0; round < SIZE.orders; round++) {
    const order = orders.shuffle(PARTS);
    const begun = system.processes.length;
    const took = await startIn(order);
    tookMs.push(took);
    say(`A-20 seed ${orders.seed}: ${namesOf(order)}: all ready ${took} ms after the last`);
    const started = system.processes.slice(begun);
    // one process per service, and it lives: none was started again, none ended by itself
    expect(started.map(({ name }) => name).sort()).toEqual([...ROLES].sort());
    expect(started.map(({ running, exitCode }) => ({ running, exitCode }))).toEqual(
      ROLES.map(() => ({ running: true, exitCode: null })),
    );
    await Promise.all(started.map((process) => process.stop()));
    expect(started.map(({ name, exitCode }) => ({ name, exitCode }))).toEqual(
      started.map(({ name }) => ({ name, exitCode: 0 })),
    );
    await stopServers();
  }
  expect(Math.max(...tookMs)).toBeLessThan(SIZE.readyMs);
});
