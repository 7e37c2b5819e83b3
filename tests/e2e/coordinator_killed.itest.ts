import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertCleanLogs } from './support/clean_logs.ts';
import { say } from './support/say.ts';
import { SecretBook } from './support/secret_book.ts';
import { Stored } from './support/stored.ts';
import { type PlayerEvent, TestPlayer } from './support/test_player.ts';
import { until } from './support/until.ts';
import { WarrenSystem } from './support/warren_system.ts';

const PAIRS = 4;
const NO_SERVER_MS = 6_000;
const INVITE_MS = 6_000;
const JOIN_MS = 8_000;
const RESULT_MS = 15_000;
const BOOT_MS = 20_000;
/** Whatever the moment of the kill: every limit of the saga one after the other, and one start of a coordinator. */
const BOUND_MS = NO_SERVER_MS + INVITE_MS + JOIN_MS + RESULT_MS + BOOT_MS;
/** Between two pairs, so that one kill meets the matches of a round in different steps. */
const STAGGER_MS = 20;
/** The kill comes when the first match of the round is in this step, and a random moment later. */
const MOMENTS = ['allocating', 'inviting', 'joining', 'running', 'ended'] as const;
const LATER_MS = 25;
const MATCH_SECONDS = '6';

const secrets = new SecretBook();
let system: WarrenSystem;
let stored: Stored;
let players: TestPlayer[] = [];
let matches = 0;

beforeAll(async () => {
  system = await WarrenSystem.start({
    env: {
      GATEWAY_RATE_LIMIT_FACTOR: '1000',
      COORDINATOR_NO_SERVER_TIMEOUT_MS: String(NO_SERVER_MS),
      COORDINATOR_INVITE_TIMEOUT_MS: String(INVITE_MS),
      COORDINATOR_JOIN_TIMEOUT_MS: String(JOIN_MS),
      COORDINATOR_RESULT_TIMEOUT_MS: String(RESULT_MS),
      COORDINATOR_STEP_TIMEOUT_MS: '1000',
      GAME_CACHE_TTL: '5',
    },
  });
  stored = new Stored(system);
  const [gatewayUrl = ''] = system.gatewayUrls;
  await system.startGameServer(gatewayUrl, { GAME_MATCH_SECONDS: MATCH_SECONDS });
  const newPlayer = async (name: string): Promise<TestPlayer> =>
    (await new TestPlayer({ gatewayUrl, name, secrets }).signUp()).connect();
  players = await Promise.all(Array.from({ length: PAIRS * 2 }, (_, index) => newPlayer(`p${index}`)));
}, 120_000);

afterAll(async () => {
  for (const player of players) player.close();
  await stored.close();
  const faults = await system.stop();
  assertCleanLogs(system, secrets.all);
  expect(faults).toEqual([]);
}, 60_000);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Queues, plays what it is invited to, and waits for the end. */
async function playOnce(player: TestPlayer, delayMs: number): Promise<PlayerEvent> {
  const nth = matches;
  const invitations = player.invitations.length;
  await sleep(delayMs);
  await player.queue('duel');
  const over = player.over(BOUND_MS, nth);
  over.catch(() => undefined);
  await until(() => player.invitations.length > invitations || player.ends.length > nth, {
    timeoutMs: BOUND_MS,
    what: `${player.name} hears anything`,
  });
  const found = player.invitations[invitations];
  if (found !== undefined) void player.play(found);
  return over;
}

/** One round: every pair plays while a coordinator is killed. Says what the kill met and how the matches ended. */
async function round(moment: (typeof MOMENTS)[number], revive: () => Promise<unknown>): Promise<void> {
  const before = await stored.countMatches(moment);
  const startedAt = performance.now();
  const playing = players.map((player, index) => playOnce(player, Math.floor(index / 2) * STAGGER_MS));
  await until(async () => (await stored.countMatches(moment)) > before, {
    timeoutMs: BOUND_MS,
    what: `a match is ${moment}`,
    pollMs: 2,
  });
  await sleep(Math.random() * LATER_MS);
  await system.of('coordinator')[0]?.stop('SIGKILL');
  const met = await stored.liveMatches();
  await revive();
  const ends = await Promise.all(playing);
  matches++;
  const games = Map.groupBy(ends, ({ gameId }) => gameId);
  const told = [...games.values()].map((heard) =>
    `${heard[0]?.type} ${heard[0]?.type === 'match.failed' ? heard[0].what : ''}`.trim(),
  );
  const tookMs = Math.round(Math.max(...ends.map(({ at }) => at)) - startedAt);
  say(`killed at ${moment}, with matches ${met.join(', ')}: ${told.join(', ')} within ${tookMs} ms`);
  expect(games.size).toBe(PAIRS);
  for (const [gameId, heard] of games) {
    expect(heard.map(({ type, what }) => `${type} ${what}`)).toEqual([
      `${heard[0]?.type} ${heard[0]?.what}`,
      `${heard[0]?.type} ${heard[0]?.what}`,
    ]);
    const row = await stored.match(gameId);
    expect(row).toMatchObject(
      heard[0]?.type === 'match.ended'
        ? { state: 'ended', winner: heard[0].what }
        : { state: 'failed', failure: heard[0]?.what },
    );
  }
  await expectNothingLeft();
}

async function expectNothingLeft(): Promise<void> {
  expect(await stored.liveMatches()).toEqual([]);
  expect(await stored.liveTickets()).toBe(0);
  await until(async () => (await stored.usedPlaces()).leases === 0, { timeoutMs: 5_000, what: 'all places are free' });
  expect(await stored.usedPlaces()).toEqual({ used: 0, leases: 0 });
  for (const player of players)
    expect(new Set(player.events.map(({ type, gameId }) => `${type} ${gameId}`)).size).toBe(player.events.length);
}

test('a match ends whenever its only coordinator is killed and comes back', { timeout: 240_000 }, async () => {
  for (const moment of MOMENTS) await round(moment, () => system.startApp('coordinator'));
});

test('a second coordinator takes up the matches of one that is killed', { timeout: 240_000 }, async () => {
  for (const moment of ['inviting', 'running'] as const) {
    await system.startApp('coordinator');
    expect(system.of('coordinator')).toHaveLength(2);
    await round(moment, async () => undefined);
    expect(system.of('coordinator')).toHaveLength(1);
  }
});
