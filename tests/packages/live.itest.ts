import { MATCH_FAILED, type SocketSession, WarrenClient } from '@warren/client';
import type { Recipient } from '@warren/contracts';
import { Bot } from '@warren/example-bots';
import { GameServer, type GameServerOptions } from '@warren/game-server-sdk';
import { hash32, newId, silentLogger } from '@warren/kernel';
import { Database, sql, tables } from '@warren/postgres';
import { ConfirmedPublisher, EXCHANGE, PUSH_PARTITIONS, pushKey, RabbitLink } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/support/until.ts';
import { WarrenSystem } from '../e2e/support/warren_system.ts';

const EVENTS = 120;
const WAIT_MS = 30_000;
const GAME = '7d1f6b7e-2b3c-4f5a-8a9b-0c1d2e3f4a5b';

let system: WarrenSystem;
let gatewayUrl: string;
const endings: (() => unknown)[] = [];

beforeAll(async () => {
  system = await WarrenSystem.start({ env: { GATEWAY_RATE_LIMIT_FACTOR: '1000' } });
  gatewayUrl = system.gatewayUrls[0] ?? '';
}, 120_000);

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

afterAll(async () => {
  expect(await system.stop()).toEqual([]);
}, 60_000);

async function player(): Promise<WarrenClient> {
  const client = new WarrenClient({ baseUrl: gatewayUrl });
  const login = `live-${newId().slice(0, 8)}`;
  await client.register(login, 'a password of live tests', 'Live');
  await client.login(login, 'a password of live tests');
  return client;
}

/** Pushes events to a recipient as the coordinator does. */
async function pusher(recipient: Recipient): Promise<(n: number) => Promise<void>> {
  const metrics = new Metrics('tests');
  const logger = silentLogger();
  const link = new RabbitLink({
    url: system.brokerUrl('coordinator'),
    role: 'publish',
    name: 'tests',
    logger,
    metrics,
  });
  link.start();
  await link.ready(WAIT_MS);
  endings.push(() => link.stop());
  const publisher = new ConfirmedPublisher({ link, prefix: 'coordinator', logger, metrics });
  const key = pushKey(hash32(recipient) % PUSH_PARTITIONS);
  return async (n) => {
    const payload = { game_id: GAME, mode: 'duel', code: 'MATCH_ABORTED', message: String(n) };
    const body = Buffer.from(JSON.stringify({ recipient, type: 'match.failed', payload }));
    const message = {
      exchange: EXCHANGE.push,
      key,
      body,
      messageId: newId(),
      type: 'coordinator.match_failed@1',
      persistent: true,
    };
    expect(await publisher.publish(message)).toBe('confirmed');
  };
}

describe('the connection of a player', () => {
  it('loses and repeats no event, however often it drops while they come', { timeout: 60_000 }, async () => {
    const client = await player();
    const heard: number[] = [];
    const states: string[] = [];
    let gaps = 0;
    const session = await client.connect({
      onGap: () => gaps++,
      onState: (state) => states.push(state),
      listen: (events) => events.on(MATCH_FAILED, ({ message }) => heard.push(Number(message))),
    });
    endings.push(() => session.close());
    const push = await pusher(`player:${client.accountId ?? ''}`);
    for (let n = 1; n <= EVENTS; n++) {
      await push(n);
      if (n % 10 === 0) {
        session.drop();
        await new Promise((resolve) => setTimeout(resolve, 20 * (n % 7)));
      }
    }
    await until(() => heard.length >= EVENTS, { timeoutMs: WAIT_MS, what: 'every event is heard' });
    expect(heard).toEqual(Array.from({ length: EVENTS }, (_, index) => index + 1));
    expect(gaps).toBe(0);
    expect(states.filter((state) => state === 'lost').length).toBeGreaterThanOrEqual(3);
  });

  it('ends for good when the player connects elsewhere, and the other one goes on', async () => {
    const client = await player();
    const states: string[] = [];
    const older = await client.connect({ onState: (state, _reason, code) => states.push(`${state} ${code ?? ''}`) });
    const newer: SocketSession = await client.connect();
    endings.push(() => newer.close());
    await until(() => states.length === 2, { timeoutMs: WAIT_MS, what: 'the older connection hears of it' });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(states).toEqual(['open ', 'closed 4409']);
    older.close();
    expect(newer.lastSeq).toBe(0);
  });
});

interface Fleet {
  readonly server: GameServer;
  readonly log: string[];
}

async function gameServer(instanceId: string, options: Partial<GameServerOptions> = {}): Promise<Fleet> {
  const log: string[] = [];
  const server = new GameServer({
    gatewayUrl,
    serverKey: system.serverKey,
    instanceId,
    address: 'ws://127.0.0.1:9',
    capacity: 5,
    onAssigned: ({ game_id }) => void log.push(`assigned ${game_id}`),
    onReleased: (gameId, reason) => void log.push(`released ${gameId} ${reason}`),
    onTrouble: (what, error) => void log.push(`trouble ${what} ${String(error)}`),
    onStopped: (reason) => void log.push(`stopped ${reason}`),
    ...options,
  });
  await server.start();
  endings.push(() => server.stop());
  return { server, log };
}

async function queuedPair(): Promise<readonly [Bot, Bot]> {
  const bots = [new Bot({ gatewayUrl, name: 'ann' }), new Bot({ gatewayUrl, name: 'bob' })] as const;
  for (const bot of bots) {
    await bot.register();
    await bot.logIn();
    await bot.connect();
    endings.push(() => bot.close());
  }
  await Promise.all(bots.map((bot) => bot.queue('duel')));
  return bots;
}

describe('a game server', () => {
  it('admits a player once, on the server of the match alone; its successor gives the match up', {
    timeout: 60_000,
  }, async () => {
    const signal = AbortSignal.timeout(WAIT_MS);
    const { server, log } = await gameServer('live-1');
    const [ann] = await queuedPair();
    const found = await ann.found(signal);
    const elsewhere = await gameServer('live-2');
    await expect(elsewhere.server.admit(found.join_ticket)).rejects.toMatchObject({ code: 'JOIN_TICKET_REFUSED' });
    const claims = await server.admit(found.join_ticket);
    expect(claims).toMatchObject({ sub: ann.playerId, game_id: found.game_id, slot: found.slot });
    await expect(server.admit(found.join_ticket)).rejects.toMatchObject({ code: 'JOIN_TICKET_REFUSED' });
    const ended = ann.ended(found.game_id, signal);
    server.stop();
    const successor = await gameServer('live-1');
    await expect(ended).rejects.toThrow('match.failed MATCH_ABORTED');
    expect(successor.log.filter((line) => line.startsWith('assigned'))).toEqual([]);
    expect(log).toEqual([`assigned ${found.game_id}`]);
  });

  it('makes room for a newer process of its name', { timeout: 60_000 }, async () => {
    const older = await gameServer('live-3');
    const newer = await gameServer('live-3');
    await until(() => older.log.length > 0, { timeoutMs: WAIT_MS, what: 'the older process hears of it' });
    expect(older.log).toEqual(['stopped 4409 replaced']);
    expect(newer.log).toEqual([]);
  });

  it('that the directory has lost registers again', { timeout: 60_000 }, async () => {
    const { log } = await gameServer('live-4');
    const url = system.databaseUrl('allocator');
    const database = new Database({
      url,
      schema: 'allocation',
      logger: silentLogger(),
      metrics: new Metrics('tests'),
      max: 1,
    });
    endings.push(() => database.close());
    const known = async (): Promise<boolean> => {
      const { rows } = await sql`SELECT 1 FROM servers WHERE instance_id = 'live-4'`.execute(tables(database.read));
      return rows.length === 1;
    };
    await sql`DELETE FROM servers WHERE instance_id = 'live-4'`.execute(tables(database.read));
    await until(known, { timeoutMs: WAIT_MS, what: 'the server is in the directory' });
    expect(log.filter((line) => line.includes('heartbeat')).length).toBeGreaterThanOrEqual(1);
    expect(log.filter((line) => line.includes('trouble register'))).toEqual([]);
  });
});
