import { Bot, type MatchEnded } from '@warren/example-bots';
import { silentLogger } from '@warren/kernel';
import { Database, sql, tables } from '@warren/postgres';
import { Metrics } from '@warren/telemetry';
import { type PrivateServers, privateServers } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { say } from './support/say.ts';
import { WarrenSystem } from './support/warren_system.ts';

const MATCHES = 10;
const REPLICAS = 2;
const PLAY_TIMEOUT_MS = 120_000;

let servers: PrivateServers;
let system: WarrenSystem;
let managementUrl: string;

/** One finished match as one of its observers saw it: `game player,player instance`. */
const line = (game: string, players: readonly string[], instance: string): string =>
  `${game} ${[...players].sort().join(',')} ${instance}`;

beforeAll(async () => {
  servers = await privateServers();
  const broker = await servers.rabbit({ management: true });
  if (broker.managementUrl === undefined) throw new Error('the private broker has no management API');
  managementUrl = broker.managementUrl;
  system = await WarrenSystem.start({
    replicas: REPLICAS,
    broker,
    env: { GATEWAY_RATE_LIMIT_FACTOR: '1000', LOG_LEVEL: 'debug' },
  });
  for (const url of system.gatewayUrls) await system.startGameServer(url);
}, 180_000);

afterAll(async () => {
  const faults = await system.stop();
  await servers.destroy();
  expect(faults).toEqual([]);
}, 60_000);

test('ten matches at once over two replicas of everything agree everywhere', {
  timeout: PLAY_TIMEOUT_MS + 30_000,
}, async () => {
  const [first = '', second = ''] = system.gatewayUrls;
  const signal = AbortSignal.timeout(PLAY_TIMEOUT_MS);
  const playing: Promise<MatchEnded[]>[] = [];
  const seenByClients: string[] = [];
  const addresses = addressBook();
  const bots: Bot[] = [];
  for (let i = 0; i < MATCHES; i++) {
    const pair = [
      new Bot({ gatewayUrl: first, name: `a${i}` }),
      new Bot({ gatewayUrl: second, name: `b${i}` }),
    ] as const;
    bots.push(...pair);
    const { seen, endings } = await startMatch(pair, addresses, signal);
    seenByClients.push(seen);
    playing.push(endings);
  }
  for (const endings of await Promise.all(playing)) {
    const [one, two] = endings;
    expect(two).toEqual(one);
  }
  for (const bot of bots) bot.close();
  const stored = await matchesInDatabase();
  expect(stored).toHaveLength(MATCHES);
  expect(seenByClients.toSorted()).toEqual(stored);
  expect(matchesAtGameServers()).toEqual(stored);
  expect(await idleConsumers()).toEqual([]);
});

/** Matches two players; says where they were sent, and waits for what they hear at the end. */
async function startMatch(
  pair: readonly [Bot, Bot],
  addresses: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<{ readonly seen: string; readonly endings: Promise<MatchEnded[]> }> {
  for (const bot of pair) await enter(bot);
  const [mine, theirs] = await Promise.all([pair[0].found(signal), pair[1].found(signal)]);
  expect(theirs.game_id).toBe(mine.game_id);
  for (const [bot, found] of [[pair[0], mine] as const, [pair[1], theirs] as const]) {
    expect(found.players.find((player) => player.slot === found.slot)?.player_id).toBe(bot.playerId);
  }
  const players = pair.map((bot) => bot.playerId);
  const endings = Promise.all(pair.map((bot) => bot.ended(mine.game_id, signal)));
  const played = Promise.all([pair[0].play(mine), pair[1].play(theirs)]);
  return {
    seen: line(mine.game_id, players, addresses.get(mine.address) ?? mine.address),
    endings: Promise.all([endings, played]).then(([heard]) => heard),
  };
}

test('the trace of a match shows every hop with service and pid', async () => {
  const traceId = await anyTraceId();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const hops = new Map<string, Set<string>>();
  for (const { lines } of system.processes) {
    for (const entry of lines) {
      if (entry['trace'] !== traceId) continue;
      const hop = `${String(entry['service'])} (${String(entry['pid'])})`;
      hops.set(hop, (hops.get(hop) ?? new Set()).add(`${textOf(entry['command'])} ${entry.msg ?? ''}`.trim()));
    }
  }
  for (const [hop, what] of hops) say(`${traceId} ${hop}: ${[...what].join('; ')}`);
  expect(hops.size).toBeGreaterThanOrEqual(6);
});

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

async function enter(bot: Bot): Promise<void> {
  await bot.register();
  await bot.logIn();
  await bot.connect();
  await bot.queue('duel');
}

/** Address → instance id, from what the game servers said of themselves. */
function addressBook(): Map<string, string> {
  return new Map(
    system.of('game-server').map(({ lines }) => {
      const ready = lines.find((entry) => entry.msg === 'ready');
      return [String(ready?.['address']), String(ready?.['instance'])];
    }),
  );
}

function matchesAtGameServers(): string[] {
  const seen: string[] = [];
  for (const { lines } of system.of('game-server')) {
    const instance = String(lines.find((entry) => entry.msg === 'ready')?.['instance']);
    const finished = new Set(lines.filter((entry) => entry.msg === 'result reported').map((entry) => entry['game']));
    for (const entry of lines) {
      if (entry.msg !== 'game assigned' || !finished.has(entry['game'])) continue;
      seen.push(line(String(entry['game']), z.array(z.string()).parse(entry['players']), instance));
    }
  }
  return seen.sort();
}

async function inDatabase<T>(work: (database: Database) => Promise<T>): Promise<T> {
  const database = new Database({
    url: system.databaseUrl('coordinator'),
    schema: 'coordination',
    logger: silentLogger(),
    metrics: new Metrics('tests'),
    max: 1,
  });
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

function matchesInDatabase(): Promise<string[]> {
  return inDatabase(async (database) => {
    const { rows } = await sql<{ game_id: string; players: string[]; instance_id: string }>`
      SELECT m.game_id, array_agg(p.player_id::text) AS players, m.instance_id
      FROM matches m JOIN match_players p USING (game_id) WHERE m.state = 'ended' GROUP BY m.game_id`.execute(
      tables(database.read),
    );
    return rows.map((row) => line(row.game_id, row.players, row.instance_id)).sort();
  });
}

function anyTraceId(): Promise<string> {
  return inDatabase(async (database) => {
    const { rows } = await sql<{ trace: string }>`SELECT trace FROM matches WHERE state = 'ended' LIMIT 1`.execute(
      tables(database.read),
    );
    return rows[0]?.trace.split('-')[1] ?? '';
  });
}

const Channels = z.array(
  z.object({
    name: z.string(),
    user: z.string(),
    connection_details: z.object({ name: z.string() }).optional(),
    consumer_count: z.int().optional(),
    message_stats: z.object({ deliver: z.int().optional(), deliver_no_ack: z.int().optional() }).optional(),
  }),
);

const Connections = z.array(
  z.object({ name: z.string(), client_properties: z.looseObject({ connection_name: z.string().optional() }) }),
);

async function askBroker(path: string): Promise<unknown> {
  const url = new URL(path, managementUrl);
  const { username, password } = new URL(managementUrl);
  url.username = '';
  url.password = '';
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return (await fetch(url, { headers: { authorization } })).json();
}

/**
 * Users whose consuming processes were not all given messages, by the broker's own statistics. Replies to calls do not
 * count: they come on the connection of the calls, and a replica that holds no matcher makes none.
 */
async function idleConsumers(): Promise<string[]> {
  // the broker publishes its statistics every five seconds
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  const consuming = new Set(
    Connections.parse(await askBroker('/api/connections'))
      .filter(({ client_properties: { connection_name: name = '' } }) => name.includes('.consume.'))
      .map(({ name }) => name),
  );
  const delivered = new Map<string, number>();
  for (const channel of Channels.parse(await askBroker('/api/channels'))) {
    const { connection_details: connection, message_stats: stats, consumer_count: consumers = 0 } = channel;
    if (connection === undefined || consumers === 0 || !consuming.has(connection.name)) continue;
    const key = `${channel.user} ${connection.name}`;
    delivered.set(key, (delivered.get(key) ?? 0) + countOf(stats));
  }
  expect(delivered.size).toBe(REPLICAS * 4);
  return [...delivered].filter(([, count]) => count === 0).map(([key]) => key);
}

const countOf = (stats: z.output<typeof Channels>[number]['message_stats']): number =>
  (stats?.deliver ?? 0) + (stats?.deliver_no_ack ?? 0);
