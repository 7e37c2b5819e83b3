import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertCleanLogs } from './support/clean_logs.ts';
import { SecretBook } from './support/secret_book.ts';
import { Stored } from './support/stored.ts';
import { TcpBalancer } from './support/tcp_balancer.ts';
import { TestPlayer } from './support/test_player.ts';
import { until } from './support/until.ts';
import { WarrenSystem } from './support/warren_system.ts';

const NO_SERVER_MS = 1_000;
const MATCH_MS = 8_000;
/** From the end of the match to its event at players whose gateway was killed in it: leases of the dead gateway run out. */
const DELIVERY_MS = 15_000;
const QUIET_MS = 1_000;

const secrets = new SecretBook();
let system: WarrenSystem;
let stored: Stored;
/** The gateways in the order in which the balancer offers them. */
let order: string[];
let balancer: TcpBalancer;
let balanced: string;

beforeAll(async () => {
  system = await WarrenSystem.start({
    env: { GATEWAY_RATE_LIMIT_FACTOR: '1000', COORDINATOR_NO_SERVER_TIMEOUT_MS: String(NO_SERVER_MS) },
  });
  await system.startApp('gateway');
  stored = new Stored(system);
  order = [...system.gatewayUrls];
  balancer = new TcpBalancer(() => order);
  balanced = await balancer.listen();
  await system.startGameServer(order[1] ?? '', {
    GAME_MATCH_SECONDS: String(MATCH_MS / 1_000),
    GAME_SERVER_CAPACITY: '1',
  });
}, 120_000);

afterAll(async () => {
  await stored.close();
  const faults = await system.stop();
  balancer.close();
  assertCleanLogs(system, secrets.all);
  expect(faults).toEqual([]);
}, 60_000);

async function newPlayer(name: string, gatewayUrl: string): Promise<TestPlayer> {
  return (await new TestPlayer({ gatewayUrl, name, secrets }).signUp()).connect();
}

const connects = (player: TestPlayer): number => player.states.filter((state) => state.startsWith('open')).length;

async function startMatch(players: readonly TestPlayer[]): Promise<string> {
  for (const player of players) await player.queue('duel');
  const found = await Promise.all(players.map((player) => player.invited(15_000)));
  for (const [index, player] of players.entries()) if (found[index] !== undefined) void player.play(found[index]);
  const gameId = found[0]?.game_id ?? '';
  await until(async () => (await stored.match(gameId))?.state === 'running', {
    timeoutMs: 5_000,
    what: 'the match runs',
  });
  return gameId;
}

test('a player who was away during the match gets what was missed, in order and once', {
  timeout: 90_000,
}, async () => {
  const ann = await newPlayer('ann', balanced);
  const bob = await newPlayer('bob', order[1] ?? '');
  const gameId = await startMatch([ann, bob]);
  balancer.admit(false);
  ann.session.drop();
  await bob.over(MATCH_MS + DELIVERY_MS);
  // two more events for the player who is away: another match, for which the only place is taken away
  for (const server of system.of('game-server')) await server.stop();
  await bob.queue('duel');
  await queueElsewhere(ann);
  await bob.over(NO_SERVER_MS + DELIVERY_MS, 1);
  expect(ann.events.map(({ type }) => type)).toEqual(['match.found']);
  balancer.admit(true);
  await ann.over(DELIVERY_MS, 1);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  const seen = ann.events.map(
    ({ type, gameId: game, what }) => `${type} ${game === gameId ? 'first' : 'second'} ${what}`,
  );
  expect(seen).toEqual(
    bob.events.map(({ type, gameId: game, what }) => `${type} ${game === gameId ? 'first' : 'second'} ${what}`),
  );
  expect(seen.map((event) => event.split(' ').slice(0, 2).join(' '))).toEqual([
    'match.found first',
    'match.ended first',
    'match.failed second',
  ]);
  expect(ann.gaps).toBe(0);
  expect(ann.session.lastSeq).toBe(3);
  expect(connects(ann)).toBe(2);
  for (const player of [ann, bob]) player.close();
});

/** The same player on another way to the platform, without a connection for events. */
async function queueElsewhere(player: TestPlayer): Promise<void> {
  const phone = new TestPlayer({ gatewayUrl: order[1] ?? '', name: player.name, secrets });
  await phone.client.login(player.login, player.password);
  await phone.queue('duel');
}

test('players of a gateway that is killed during the match resume on another and get the result', {
  timeout: 90_000,
}, async () => {
  await system.startGameServer(balanced, { GAME_MATCH_SECONDS: String(MATCH_MS / 1_000) });
  const players = await Promise.all([newPlayer('cat', balanced), newPlayer('dan', balanced)]);
  const gameId = await startMatch(players);
  const doomed = system.of('gateway').find((gateway) => gateway.lines.some(({ publicUrl }) => publicUrl === order[0]));
  await doomed?.stop('SIGKILL');
  const ends = await Promise.all(players.map((player) => player.over(MATCH_MS + DELIVERY_MS)));
  expect(ends.map(({ type, gameId: game }) => `${type} ${game}`)).toEqual([
    `match.ended ${gameId}`,
    `match.ended ${gameId}`,
  ]);
  const row = await stored.match(gameId);
  expect(ends.map(({ what }) => what)).toEqual([row?.winner, row?.winner]);
  await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  for (const player of players) {
    expect(player.events.map(({ type }) => type)).toEqual(['match.found', 'match.ended']);
    expect(player.gaps).toBe(0);
    expect(connects(player)).toBe(2);
    player.close();
  }
});
