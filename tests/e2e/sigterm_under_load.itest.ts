import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertCleanLogs } from './support/clean_logs.ts';
import { HttpLoad, type LoadReport } from './support/http_load.ts';
import { say } from './support/say.ts';
import { SecretBook } from './support/secret_book.ts';
import { SocketProbe } from './support/socket_probe.ts';
import { Stored } from './support/stored.ts';
import { TcpBalancer } from './support/tcp_balancer.ts';
import { TestPlayer } from './support/test_player.ts';
import { until } from './support/until.ts';
import { ROLES, type Role, WarrenSystem } from './support/warren_system.ts';

const SOCKETS = 50;
const PROBES = 4;
const SIGN_UPS_AT_ONCE = 4;
const SIGN_UP_RETRY_MS = 60_000;
const GRACE_MS = 10_000;
/** 100 requests per second: one ticket is made and cancelled, four accounts are read, twenty times a second. */
const TICK_MS = 50;
const READS_PER_TICK = 3;
const LOGIN_EVERY_TICKS = 20;
/** More players than ever wait at once, so that no tickets are matched. */
const CROWD = 64;
const STEADY_MS = 1_500;
const EXPECTED: ReadonlySet<string> = new Set(['200', '201', '503', '504', 'refused', 'stale']);
/** Share of the calls that may have had to be repeated because their outcome was unknown. */
const MAX_DOUBTFUL = 0.02;

const secrets = new SecretBook();
let system: WarrenSystem;
let stored: Stored | undefined;
let balancer: TcpBalancer | undefined;
let players: TestPlayer[] = [];
let probed: TestPlayer[] = [];
let tokens: string[];

beforeAll(async () => {
  system = await WarrenSystem.start({ replicas: 2, env: { GATEWAY_RATE_LIMIT_FACTOR: '10000', LOG_LEVEL: 'info' } });
  stored = new Stored(system);
  await stored?.addMode({ name: 'crowd', players: CROWD });
  await system.startGameServer(system.gatewayUrls[1] ?? '');
  let turn = 0;
  balancer = new TcpBalancer(() => {
    const urls = system.gatewayUrls;
    const first = turn++ % Math.max(1, urls.length);
    return [...urls.slice(first), ...urls.slice(0, first)];
  });
  const gatewayUrl = await balancer.listen();
  const all = Array.from(
    { length: SOCKETS + PROBES },
    (_, index) => new TestPlayer({ gatewayUrl, name: `p${index}`, secrets, retryForMs: SIGN_UP_RETRY_MS }),
  );
  const waiting = [...all];
  const signUp = async (): Promise<void> => {
    for (let player = waiting.shift(); player !== undefined; player = waiting.shift()) await player.signUp();
  };
  await Promise.all(Array.from({ length: SIGN_UPS_AT_ONCE }, signUp));
  players = all.slice(0, SOCKETS);
  probed = all.slice(SOCKETS);
  await Promise.all(players.map((player) => player.connect()));
  tokens = await Promise.all(players.map((player) => player.client.accessToken()));
}, 300_000);

afterAll(async () => {
  for (const player of players) player.close();
  await stored?.close();
  const faults = await system.stop();
  balancer?.close();
  assertCleanLogs(system, secrets.all);
  expect(faults).toEqual([]);
}, 60_000);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts the load; the returned function ends it. */
function startLoad(): () => Promise<LoadReport> {
  const load = new HttpLoad(() => system.gatewayUrls);
  const idle = players.map((_, index) => index);
  let tick = 0;
  const timer = setInterval(() => {
    tick++;
    for (let i = 0; i < READS_PER_TICK; i++)
      load.begin(() => load.call({ method: 'GET', path: '/v1/me', headers: bearer(tick * READS_PER_TICK + i) }));
    if (tick % LOGIN_EVERY_TICKS === 0) load.begin(() => logIn(load, tick / LOGIN_EVERY_TICKS));
    load.begin(async () => {
      const index = idle.shift();
      if (index !== undefined) await queueAndLeave(load, index).finally(() => idle.push(index));
    });
  }, TICK_MS);
  return () => {
    clearInterval(timer);
    return load.finish();
  };
}

const bearer = (index: number): Record<string, string> => ({
  authorization: `Bearer ${tokens[index % tokens.length] ?? ''}`,
});

async function logIn(load: HttpLoad, index: number): Promise<void> {
  const player = players[index % players.length];
  if (player === undefined) return;
  const headers = { 'idempotency-key': randomUUID(), 'warren-device-nonce': randomUUID() };
  secrets.read(
    await load.call({
      method: 'POST',
      path: '/v1/auth/login',
      headers,
      body: { login: player.login, password: player.password },
    }),
  );
}

async function queueAndLeave(load: HttpLoad, index: number): Promise<void> {
  const post = (path: string, body: object) =>
    load.call({ method: 'POST', path, headers: { ...bearer(index), 'idempotency-key': randomUUID() }, body });
  const ticket = await post('/v1/tickets', { mode: 'crowd' });
  if (ticket !== undefined) await post(`/v1/tickets/${String(ticket['ticket_id'])}/cancel`, {});
}

/** Tells one process to stop, waits, starts another in its place. */
async function replace(role: Role): Promise<void> {
  const [old] = system.of(role);
  if (old === undefined) throw new Error(`no ${role} runs`);
  const tookMs = await old.stop('SIGTERM');
  say(`${role} stopped in ${Math.round(tookMs)} ms with exit code ${old.exitCode}`);
  expect({ role, exitCode: old.exitCode, signal: old.signal }).toEqual({ role, exitCode: 0, signal: null });
  expect(tookMs).toBeLessThan(GRACE_MS);
  await sleep(STEADY_MS);
  await system.startApp(role);
  await sleep(STEADY_MS);
}

test('stopping one process of every service under load loses no request and leaves no player behind', {
  timeout: 180_000,
}, async () => {
  const stopLoad = startLoad();
  const probes: SocketProbe[] = [];
  let report: LoadReport;
  try {
    const [firstGateway = ''] = system.gatewayUrls;
    for (const player of probed) probes.push(await SocketProbe.open(firstGateway, player));
    for (const role of ROLES) await replace(role);
  } finally {
    report = await stopLoad();
    say(JSON.stringify(report));
  }
  expect(report.failed).toEqual([]);
  expect(report.broken).toEqual([]);
  expect(report.unavailableWithoutRetryAfter).toBe(0);
  const { outcomes, calls } = report;
  expect(Object.keys(outcomes).filter((outcome) => !EXPECTED.has(outcome))).toEqual([]);
  expect(((outcomes['504'] ?? 0) + (outcomes['stale'] ?? 0)) / calls).toBeLessThan(MAX_DOUBTFUL);
  expect(probes.map(({ heard }) => heard)).toEqual(probes.map(() => ['welcome', 'goodbye', '1012']));
  expect(await stored?.liveTickets()).toBe(0);
  await expectAllBack();
});

/** State and close code of one change of a connection. */
const kindOf = (state: string): string => /^\w+( \d+)?/.exec(state)?.[0] ?? '';

/** Those of the stopped gateway were told to come back, and everybody can be reached. */
async function expectAllBack(): Promise<void> {
  const moved = players.filter(({ states }) => states.some((state) => state.startsWith('lost')));
  say(`${moved.length} of ${players.length} players were moved`);
  expect(moved.length).toBeGreaterThanOrEqual(SOCKETS / 4);
  await until(() => players.every(({ states }) => states.at(-1)?.startsWith('open') === true), {
    timeoutMs: 15_000,
    what: 'everybody is connected again',
  });
  for (const { states } of moved) expect(states.map(kindOf)).toEqual(['open', 'lost 1012', 'open']);
  await stored?.addMode({ name: 'solo', players: 1 });
  await Promise.all(players.map((player) => player.queue('solo')));
  await Promise.all(players.map((player) => player.invited(20_000)));
}
