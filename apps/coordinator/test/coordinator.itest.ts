import { randomUUID } from 'node:crypto';
import { createServiceApp, type RunningService } from '@warren/app';
import { CREATE_TICKET, GET_MATCH, GET_TICKET, LEASE_LOST, REPORT_JOIN, REPORT_RESULT } from '@warren/contracts';
import { coordinationMigrations } from '@warren/coordination';
import { formatTraceparent, runInContext, startTrace } from '@warren/kernel';
import { migrate } from '@warren/postgres';
import { type Actor, declareExchanges, EXCHANGE } from '@warren/rabbit';
import { tempDatabase, tempVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { coordinatorService } from '../src/service.ts';
import { ADDRESS, INSTANCE, TestBroker } from './test_broker.ts';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, index) => index * 7)).toString('base64');
const SERVER: Actor = { kind: 'server', id: INSTANCE };

const cleanUp: (() => Promise<unknown>)[] = [];
const replicas: RunningService[] = [];
let broker: TestBroker;

beforeAll(async () => {
  const [vhost, database] = await Promise.all([tempVhost(), tempDatabase()]);
  cleanUp.push(
    () => database.drop(),
    () => vhost.drop(),
  );
  await declareExchanges(vhost.url);
  await migrate(database.url, coordinationMigrations, { role: database.user });
  const env = {
    NODE_ENV: 'test',
    RABBITMQ_URL: vhost.url,
    DATABASE_URL: database.url,
    IDEMPOTENCY_HMAC_KEY: KEY,
    LOG_LEVEL: 'silent',
  };
  broker = new TestBroker(vhost.url);
  await broker.start();
  cleanUp.unshift(() => broker.stop());
  replicas.push(await createServiceApp(coordinatorService, env), await createServiceApp(coordinatorService, env));
});

afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  for (const step of cleanUp) await step();
});

interface Found {
  readonly gameId: string;
  readonly traceId: string;
  readonly players: readonly Actor[];
  readonly ids: readonly string[];
}

/** Two players queue, the second in a trace of its own, and both are told where to go. */
async function found(): Promise<Found> {
  const ids = [randomUUID(), randomUUID()];
  const players = ids.map((id): Actor => ({ kind: 'player', id, roles: [] }));
  const traces = players.map(() => startTrace());
  const tickets: string[] = [];
  for (const [index, actor] of players.entries()) {
    const trace = traces[index] ?? startTrace();
    const create = () => broker.rpc.call(CREATE_TICKET, { mode: 'duel' }, { actor });
    tickets.push((await runInContext({ trace }, create)).ticket_id);
  }
  await expect.poll(() => pushes('match.found', ids).length, { timeout: 10_000 }).toBe(2);
  const ticket = await broker.rpc.call(GET_TICKET, { ticket_id: tickets[0] ?? '' }, { actor: players[0] ?? SERVER });
  return { gameId: ticket.game_id ?? '', traceId: traces.at(-1)?.traceId ?? '', players, ids };
}

const pushes = (type: string, ids: readonly string[]) =>
  broker.pushed.filter((message) => message.type === type && ids.includes(message.recipient.slice('player:'.length)));

test('two players are matched, play and are told the result, all in one trace', async () => {
  const { gameId, traceId, players, ids } = await found();
  const [winner = '', loser = ''] = ids;
  const invitations = pushes('match.found', ids);
  expect(new Set(invitations.map(({ recipient }) => recipient))).toEqual(new Set(ids.map((id) => `player:${id}`)));
  for (const { payload } of invitations) expect(payload).toMatchObject({ game_id: gameId, address: ADDRESS });
  for (const id of ids) await broker.rpc.call(REPORT_JOIN, { game_id: gameId, player_id: id }, { actor: SERVER });
  const scores = [
    { player_id: winner, score: 12 },
    { player_id: loser, score: 5 },
  ];
  const result = { game_id: gameId, winner, scores, state_hash: 'ab'.repeat(16), inputs: 200 };
  expect(await broker.rpc.call(REPORT_RESULT, result, { actor: SERVER })).toEqual({ game_id: gameId, state: 'ended' });
  await expect.poll(() => pushes('match.ended', ids).length, { timeout: 10_000 }).toBe(2);
  for (const { payload, trace } of pushes('match.ended', ids)) {
    expect([payload, trace]).toEqual([{ game_id: gameId, mode: 'duel', winner, scores, trace_id: traceId }, traceId]);
  }
  expect(new Set(broker.traces)).toEqual(new Set([traceId]));
  await expect.poll(() => broker.released, { timeout: 10_000 }).toEqual([{ game_id: gameId, reason: 'ended' }]);
  const match = await broker.rpc.call(GET_MATCH, { game_id: gameId }, { actor: players[1] ?? SERVER });
  expect(match).toMatchObject({ state: 'ended', winner, instance_id: INSTANCE, trace_id: traceId });
});

test('the loss of the lease, told as an event, fails the match and frees its players', async () => {
  const { gameId, players, ids } = await found();
  const payload = {
    game_id: gameId,
    lease_id: broker.leases.get(gameId) ?? '',
    instance_id: INSTANCE,
    reason: 'server_lost',
  };
  const message = {
    exchange: EXCHANGE.events,
    key: LEASE_LOST.name,
    body: Buffer.from(JSON.stringify(payload)),
    messageId: randomUUID(),
    type: `${LEASE_LOST.name}@1`,
    persistent: true,
    headers: { traceparent: formatTraceparent(startTrace()) },
  };
  expect(await broker.publisher.publish(message)).toBe('confirmed');
  expect(await broker.publisher.publish(message)).toBe('confirmed');
  await expect.poll(() => pushes('match.failed', ids).length, { timeout: 10_000 }).toBe(2);
  const [first = SERVER] = players;
  expect(await broker.rpc.call(GET_MATCH, { game_id: gameId }, { actor: first })).toMatchObject({
    failure: 'MATCH_SERVER_LOST',
  });
  expect(await broker.rpc.call(CREATE_TICKET, { mode: 'duel' }, { actor: first })).toMatchObject({ state: 'active' });
});

test('both replicas stop in order, and nothing was told twice', async () => {
  expect(await Promise.all(replicas.splice(0).map((replica) => replica.stop()))).toEqual([true, true]);
  const told = broker.pushed.map(({ recipient, type }) => `${recipient} ${type}`);
  expect(new Set(told).size).toBe(told.length);
});
