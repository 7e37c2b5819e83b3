import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { assertCleanLogs } from './support/clean_logs.ts';
import { say } from './support/say.ts';
import { SecretBook } from './support/secret_book.ts';
import { SilentServer } from './support/silent_server.ts';
import { Stored } from './support/stored.ts';
import { type MatchFound, TestPlayer } from './support/test_player.ts';
import { until } from './support/until.ts';
import { WarrenSystem } from './support/warren_system.ts';

const NO_SERVER_MS = 2_500;
const LEASE_SECONDS = 5;
const INVITE_MS = 3_000;
const JOIN_MS = 8_000;
const SERVER_LOST_SECONDS = 5;
const RESULT_SECONDS = 3;
/** What may pass between the end of a limit and the event at the client: polls, heartbeats, sweeps, a loaded machine. */
const MARGIN_MS = 15_000;
/** Events that would come twice come within this. */
const QUIET_MS = 750;
const INVITED_MS = 15_000;
/** Longer than any test: no match ends by itself here. */
const MATCH = { GAME_MATCH_SECONDS: '45' };

const secrets = new SecretBook();
let system: WarrenSystem;
let stored: Stored;
let gatewayUrl: string;
let players: readonly [TestPlayer, TestPlayer];
/** Matches of each player that were over before the present test. */
let finished: readonly number[] = [];
let silent: SilentServer | undefined;

beforeAll(async () => {
  system = await WarrenSystem.start({
    env: {
      LOG_LEVEL: 'debug',
      GATEWAY_RATE_LIMIT_FACTOR: '1000',
      COORDINATOR_NO_SERVER_TIMEOUT_MS: String(NO_SERVER_MS),
      COORDINATOR_INVITE_TIMEOUT_MS: String(INVITE_MS),
      COORDINATOR_JOIN_TIMEOUT_MS: String(JOIN_MS),
      COORDINATOR_STEP_TIMEOUT_MS: '1000',
      GAME_CACHE_TTL: String(LEASE_SECONDS),
      ALLOCATOR_SERVER_LOST_AFTER_SECONDS: String(SERVER_LOST_SECONDS),
    },
  });
  stored = new Stored(system);
  await stored.addMode({ name: 'brief', players: 2, resultTimeoutSeconds: RESULT_SECONDS });
  [gatewayUrl = ''] = system.gatewayUrls;
  const newPlayer = async (name: string): Promise<TestPlayer> =>
    (await new TestPlayer({ gatewayUrl, name, secrets }).signUp()).connect();
  players = await Promise.all([newPlayer('ann'), newPlayer('bob')]);
}, 120_000);

beforeEach(() => {
  finished = players.map(({ ends }) => ends.length);
});

afterEach(async () => {
  // a server that is told to stop takes no new games: the next test must not be given its places
  await Promise.all(system.of('game-server').map((server) => server.stop()));
  await silent?.retire();
  silent = undefined;
});

afterAll(async () => {
  for (const player of players) player.close();
  await stored.close();
  const faults = await system.stop();
  assertCleanLogs(system, secrets.all);
  expect(faults).toEqual([]);
}, 60_000);

/** Both players queue. Resolves to when, and how to wait for the invitations that follow. */
async function queueBoth(
  mode = 'duel',
): Promise<{ readonly since: number; readonly invited: () => Promise<MatchFound[]> }> {
  const nth = players.map(({ invitations }) => invitations.length);
  const since = performance.now();
  await Promise.all(players.map((player) => player.queue(mode)));
  return { since, invited: () => Promise.all(players.map((player, index) => player.invited(INVITED_MS, nth[index]))) };
}

/** Both queue and join; resolves when the match runs. */
async function playBoth(mode = 'duel'): Promise<string> {
  const { invited } = await queueBoth(mode);
  const invitations = await invited();
  for (const [index, found] of invitations.entries()) void players[index]?.play(found, { idle: true });
  const gameId = invitations[0]?.game_id ?? '';
  await until(async () => (await stored.match(gameId))?.state === 'running', {
    timeoutMs: JOIN_MS,
    what: 'the match runs',
  });
  return gameId;
}

/** Both players hear of exactly one failure, in time; their tickets and the place on the server are free again. */
async function expectFailure(code: string, since: number, limitMs: number): Promise<void> {
  const heard = await Promise.all(
    players.map((player, index) => player.over(limitMs + MARGIN_MS + 5_000, finished[index])),
  );
  const [first, second] = heard;
  const tookMs = heard.map(({ at }) => Math.round(at - since));
  say(`${code} after ${tookMs.join(' and ')} ms; limit ${limitMs} ms`);
  expect(heard.map(({ type, what }) => `${type} ${what}`)).toEqual([`match.failed ${code}`, `match.failed ${code}`]);
  expect(second?.gameId).toBe(first?.gameId);
  expect(Math.max(...tookMs)).toBeLessThan(limitMs + MARGIN_MS);
  expect(await stored.match(first?.gameId ?? '')).toMatchObject({ state: 'failed', failure: code });
  await until(async () => (await stored.usedPlaces()).leases === 0, {
    timeoutMs: 5_000,
    what: 'the place on the game server is free',
  });
  expect(await stored.usedPlaces()).toEqual({ used: 0, leases: 0 });
  expect(await stored.liveTickets()).toBe(0);
  for (const player of players) await player.queueAndLeave('duel');
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  for (const player of players) {
    expect(player.events.filter(({ gameId, type }) => gameId === first?.gameId && type !== 'match.found')).toHaveLength(
      1,
    );
  }
}

test('a match that finds no game server fails, and its players can queue again', { timeout: 120_000 }, async () => {
  const { since } = await queueBoth();
  await expectFailure('MATCH_NO_SERVER', since, NO_SERVER_MS);
});

test('a match whose game server never takes it up fails when the lease ends', { timeout: 120_000 }, async () => {
  silent = new SilentServer({ gatewayUrl, serverKey: system.serverKey, instanceId: 'silent-1', secrets });
  await silent.start();
  const { since } = await queueBoth();
  await expectFailure('MATCH_SERVER_SILENT', since, LEASE_SECONDS * 1_000);
  expect(silent.assigned.size).toBe(1);
});

test('a match fails when one of its players never joins, though the game server would wait longer', {
  timeout: 120_000,
}, async () => {
  await system.startGameServer(gatewayUrl, { ...MATCH, GAME_JOIN_TIMEOUT_SECONDS: '60' });
  const { since, invited } = await queueBoth();
  const [found] = await invited();
  if (found !== undefined) void players[0].play(found, { idle: true });
  await expectFailure('MATCH_PLAYER_ABSENT', since, JOIN_MS);
});

test('a game server that waits in vain for a player gives the match up', { timeout: 120_000 }, async () => {
  await system.startGameServer(gatewayUrl, { ...MATCH, GAME_JOIN_TIMEOUT_SECONDS: '1' });
  const { since, invited } = await queueBoth();
  await invited();
  await expectFailure('MATCH_PLAYER_ABSENT', since, 1_000);
});

test('a match without a result fails when the limit of its mode is over', { timeout: 120_000 }, async () => {
  await system.startGameServer(gatewayUrl, MATCH);
  await playBoth('brief');
  await expectFailure('MATCH_RESULT_MISSING', performance.now(), RESULT_SECONDS * 1_000);
});

test('a match whose game server is killed fails when the server was silent for long enough', {
  timeout: 120_000,
}, async () => {
  const server = await system.startGameServer(gatewayUrl, MATCH);
  await playBoth();
  await server.stop('SIGKILL');
  await expectFailure('MATCH_SERVER_LOST', performance.now(), SERVER_LOST_SECONDS * 1_000);
});

test('a game server that comes back without its memory gives its matches up at once', {
  timeout: 120_000,
}, async () => {
  const env = { ...MATCH, GAME_SERVER_INSTANCE: 'phoenix' };
  const server = await system.startGameServer(gatewayUrl, env);
  await playBoth();
  await server.stop('SIGKILL');
  const since = performance.now();
  await system.startGameServer(gatewayUrl, env);
  await expectFailure('MATCH_ABORTED', since, SERVER_LOST_SECONDS * 1_000);
});

test('a match whose join tickets cannot be issued fails', { timeout: 120_000 }, async () => {
  await system.startGameServer(gatewayUrl, MATCH);
  await Promise.all(system.of('auth').map((auth) => auth.stop('SIGKILL')));
  const { since } = await queueBoth();
  await expectFailure('MATCH_INVITE_FAILED', since, INVITE_MS);
  await system.startApp('auth');
});
