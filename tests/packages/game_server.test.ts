import { type Assignment, GameServer, type GameServerOptions, WarrenError } from '@warren/game-server-sdk';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultGateway, type FaultSocket, problem } from './support/fault_gateway.ts';

const GAME = '7d1f6b7e-2b3c-4f5a-8a9b-0c1d2e3f4a5b';
const PLAYER = 'b6a4d4f6-6f0d-4a10-9b7e-2d1a3c7c9a01';
const LEASES = ['0c8d1a52-93a5-49d8-8f26-6f9f8fb3b1a1', '0c8d1a52-93a5-49d8-8f26-6f9f8fb3b1a2'] as const;
const [LEASE, NEXT_LEASE] = LEASES;
const HEARTBEAT = '/v1/servers/heartbeat';
const CONFIRM = '/v1/servers/confirm';
const RESULT = `/v1/servers/matches/${GAME}/result`;
const FAILURE = `/v1/servers/matches/${GAME}/failure`;

const assignment = (lease: string = LEASE, state: Assignment['state'] = 'reserved'): Assignment => ({
  game_id: GAME,
  lease_id: lease,
  state,
  expires_at: state === 'reserved' ? '2030-01-01T00:00:00.000Z' : null,
  match: { mode: 'duel', players: [{ player_id: PLAYER, slot: 0 }], seed: 1 },
});
const result = {
  game_id: GAME,
  winner: PLAYER,
  scores: [{ player_id: PLAYER, score: 1 }],
  state_hash: 'f'.repeat(16),
  inputs: 1,
};

let gateway: FaultGateway;
let server: GameServer;
let assignments: Assignment[];
let draining: boolean;
let log: string[];

function newServer(options: Partial<GameServerOptions> = {}): GameServer {
  return new GameServer({
    gatewayUrl: gateway.url,
    serverKey: 'k'.repeat(32),
    instanceId: 'eu-1',
    address: 'ws://127.0.0.1:9',
    capacity: 5,
    onAssigned: ({ lease_id }) => void log.push(`assigned ${LEASES.findIndex((lease) => lease === lease_id)}`),
    onReleased: (_gameId, reason) => void log.push(`released ${reason}`),
    onTrouble: (what) => void log.push(`trouble ${what}`),
    onStopped: (reason) => void log.push(`stopped ${reason}`),
    ...options,
  });
}

/** Starts the server; resolves to the gateway's side of its socket. */
async function started(): Promise<FaultSocket> {
  const starting = server.start();
  const socket = await gateway.next();
  socket.welcome();
  await starting;
  return socket;
}

async function until(check: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !check(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(check()).toBe(true);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const beats = (): number => gateway.to(HEARTBEAT).length;
const isConfirmed = (): boolean => gateway.to(CONFIRM).length > 0;

beforeEach(async () => {
  gateway = await FaultGateway.start();
  [assignments, draining, log] = [[], false, []];
  gateway.on('/v1/servers/token', () => ({
    body: { token_type: 'Bearer', access_token: 'server-token', expires_in: 600 },
  }));
  gateway.on('/v1/servers/register', () => ({ body: { instance_id: 'eu-1', heartbeat_interval_ms: 100 } }));
  gateway.on('/.well-known/jwks.json', () => ({ body: { keys: [] } }));
  gateway.on(HEARTBEAT, () => ({ body: { draining, assignments } }));
  gateway.on(CONFIRM, () => ({ body: assignment(LEASE, 'confirmed') }));
  gateway.on('/v1/servers/drain', () => {
    draining = true;
    return { body: { draining, games: 0 } };
  });
  gateway.on(RESULT, () => ({ body: { game_id: GAME, state: 'ended' } }));
  gateway.on(FAILURE, () => ({ body: { game_id: GAME, state: 'failed' } }));
  server = newServer();
});
afterEach(async () => {
  server.stop();
  await gateway.stop();
});

describe('an assignment', () => {
  it('is taken up once, however often it is pushed and named by heartbeats', async () => {
    const socket = await started();
    assignments = [assignment()];
    for (const seq of [1, 2, 3]) socket.event(seq, 'server.assigned', assignment());
    const seen = beats();
    await until(() => isConfirmed() && beats() > seen + 3);
    expect(log).toEqual(['assigned 0']);
    expect(gateway.to(CONFIRM)).toHaveLength(1);
  });

  it('that another process had confirmed under this name is given up, also when its push comes again', async () => {
    assignments = [assignment(LEASE, 'confirmed')];
    const socket = await started();
    socket.event(1, 'server.assigned', assignment());
    await until(() => gateway.to(FAILURE).length === 1);
    await pause(300);
    expect(gateway.to(FAILURE).map(({ body }) => body)).toEqual([{ failure: 'MATCH_ABORTED' }]);
    expect(log).toEqual([]);
  });

  it('that is released while it is prepared is never confirmed, and told of once, when it is ready', async () => {
    let ready = (): void => undefined;
    let signal: AbortSignal | undefined;
    server = newServer({
      onAssigned: (_assignment, aborted) => {
        signal = aborted;
        return new Promise<void>((resolve) => {
          ready = resolve;
        });
      },
    });
    const socket = await started();
    socket.event(1, 'server.assigned', assignment());
    await until(() => server.games.length === 1);
    socket.event(2, 'server.released', { game_id: GAME, lease_id: LEASE, reason: 'cancelled' });
    await until(() => signal?.aborted === true);
    expect([log, server.games]).toEqual([[], []]);
    ready();
    await until(() => log.length === 1);
    await pause(200);
    expect(log).toEqual(['released released before it was ready']);
    expect(gateway.to(CONFIRM)).toEqual([]);
  });

  it('with a newer lease starts anew, and the late release of the older one does not touch it', async () => {
    const socket = await started();
    socket.event(1, 'server.assigned', assignment());
    assignments = [assignment()];
    await until(isConfirmed);
    assignments = [assignment(NEXT_LEASE)];
    socket.event(2, 'server.assigned', assignment(NEXT_LEASE));
    socket.event(3, 'server.released', { game_id: GAME, lease_id: LEASE, reason: 'confirm_timeout' });
    await until(() => gateway.to(CONFIRM).length === 2);
    await pause(250);
    expect(log.filter((line) => line.startsWith('assigned'))).toEqual(['assigned 0', 'assigned 1']);
    expect(log.filter((line) => line.startsWith('released'))).toHaveLength(1);
    expect(server.games).toEqual([GAME]);
  });

  it('that cannot be prepared, or not be confirmed any more, does not run', async () => {
    gateway.on(CONFIRM, () => problem(410, 'ALLOCATOR_LEASE_ENDED'));
    const socket = await started();
    socket.event(1, 'server.assigned', assignment());
    await until(() => log.length === 3);
    expect(log).toEqual(['assigned 0', 'trouble confirm a game', 'released not confirmed']);
    expect(server.games).toEqual([]);
  });

  it('whose release was missed ends with the next heartbeat', async () => {
    const socket = await started();
    assignments = [assignment()];
    socket.event(1, 'server.assigned', assignment());
    await until(isConfirmed);
    assignments = [];
    await until(() => log.length === 2);
    expect(log).toEqual(['assigned 0', 'released not assigned any more']);
  });
});

describe('a result', () => {
  it('keeps its game in the heartbeats and under way until the platform has it', async () => {
    const socket = await started();
    assignments = [assignment()];
    socket.event(1, 'server.assigned', assignment());
    await until(isConfirmed);
    gateway.on(RESULT, () => problem(503, 'SERVICE_UNAVAILABLE', true));
    const reported = server.reportResult(result);
    const seen = beats();
    await until(() => gateway.to(RESULT).length >= 2 && beats() > seen + 1);
    expect(server.games).toEqual([GAME]);
    expect(gateway.to(HEARTBEAT).at(-1)?.body).toMatchObject({ games: [GAME] });
    gateway.on(RESULT, () => ({ body: { game_id: GAME, state: 'ended' } }));
    await reported;
    expect(server.games).toEqual([]);
    expect(new Set(gateway.to(RESULT).map(({ key }) => key)).size).toBe(1);
    expect(log).toEqual(['assigned 0']);
  });
});

describe('a game server', () => {
  it('that is unknown registers again, and drains again when it was draining', async () => {
    await started();
    await server.drain();
    gateway.on(HEARTBEAT, () => problem(404, 'ALLOCATOR_SERVER_UNKNOWN'));
    draining = false;
    await until(() => gateway.to('/v1/servers/register').length >= 2 && gateway.to('/v1/servers/drain').length >= 2);
    gateway.on(HEARTBEAT, () => ({ body: { draining, assignments } }));
    const seen = beats();
    await until(() => beats() > seen + 1);
  });

  it('beats once per interval, however many gaps it hears of', async () => {
    const socket = await started();
    for (let n = 1; n <= 30; n++) socket.send({ gap: { lastSeq: n - 1, firstSeq: n + 1 } });
    await pause(200);
    const seen = beats();
    await pause(1_000);
    expect(beats() - seen).toBeGreaterThanOrEqual(4);
    expect(beats() - seen).toBeLessThanOrEqual(11);
  });

  it('lives though its measure and its callbacks fail', async () => {
    const fail = (): never => {
      throw new Error('no');
    };
    server = newServer({ load: fail, onAssigned: fail, onReleased: fail });
    const socket = await started();
    socket.event(1, 'server.assigned', assignment());
    const seen = beats();
    await until(() => beats() > seen + 2 && log.includes('trouble prepare a game'));
    expect(gateway.to(HEARTBEAT).at(-1)?.body).toMatchObject({ cpu: 1, ram: 1 });
  });

  it('that is replaced stops for good and lets its games go', async () => {
    const socket = await started();
    assignments = [assignment()];
    socket.event(1, 'server.assigned', assignment());
    await until(isConfirmed);
    socket.close(4409, 'replaced');
    await until(() => log.some((line) => line.startsWith('stopped')));
    expect(log).toEqual(['assigned 0', 'released 4409 replaced', 'stopped 4409 replaced']);
    const seen = beats();
    await pause(400);
    expect(beats()).toBe(seen);
  });

  it('ends every pending call at once when it is stopped, and says nothing more', async () => {
    const socket = await started();
    socket.event(1, 'server.assigned', assignment());
    await until(isConfirmed);
    gateway.on(RESULT, () => ({ ...problem(503, 'SERVICE_UNAVAILABLE', true), headers: { 'retry-after': '30' } }));
    gateway.on(FAILURE, () => ({ hang: true }));
    const calls = [server.reportResult(result), server.reportFailure(GAME, 'MATCH_ABORTED')];
    const ends = Promise.allSettled(calls);
    await until(() => gateway.to(RESULT).length === 1 && gateway.to(FAILURE).length === 1);
    const from = performance.now();
    server.stop();
    server.stop();
    const codes = (await ends).map(
      (end) => end.status === 'rejected' && end.reason instanceof WarrenError && end.reason.code,
    );
    expect(codes).toEqual(['CALL_ABORTED', 'CALL_ABORTED']);
    expect(performance.now() - from).toBeLessThan(500);
    const seen = gateway.calls.length;
    await pause(300);
    expect(gateway.calls.length).toBe(seen);
    expect(log.filter((line) => line.startsWith('trouble'))).toEqual([]);
  });

  it('that cannot start says why and leaves nothing running', async () => {
    gateway.on('/v1/servers/token', () => problem(401, 'AUTH_SERVER_KEY_REFUSED'));
    await expect(server.start()).rejects.toMatchObject({ code: 'AUTH_SERVER_KEY_REFUSED' });
    await expect(server.start()).rejects.toThrow(TypeError);
    const seen = gateway.calls.length;
    await pause(300);
    expect(gateway.calls.length).toBe(seen);
    expect(log).toEqual([]);
  });
});
