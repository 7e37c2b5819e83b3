import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Assignment, GameServer } from '@warren/game-server-sdk';
import * as z from 'zod';
import { type InputLog, TICK_MS } from './game/index.ts';
import { GameRoom } from './game_room.ts';
import { PlayerDoor } from './player_door.ts';
import { ServerSettings } from './server_settings.ts';

const DRAIN_MS = 60_000;
const DRAIN_POLL_MS = 200;

/** Reads the environment; says what is wrong with it in one line and returns undefined. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): ServerSettings | undefined {
  const result = ServerSettings.safeParse(env);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  process.stderr.write(`game-server: settings are not usable: ${faults.join('; ')}\n`);
  return undefined;
}

/** Runs the game server until SIGTERM or SIGINT; then takes no new games, lets the running ones end and exits. */
export async function runServer(settings: ServerSettings): Promise<void> {
  const rooms = new Map<string, GameRoom>();
  let platform: GameServer | undefined;
  const door = new PlayerDoor({
    host: settings.GAME_SERVER_HOST,
    port: settings.GAME_SERVER_PORT,
    rooms,
    platform: () => {
      if (platform === undefined) throw new Error('the server has not started');
      return platform;
    },
    onTrouble: trouble,
  });
  try {
    const port = await door.listening();
    platform = connectPlatform(settings, port, rooms);
    await platform.start();
    log('ready', { address: addressOf(settings, port), instance: settings.GAME_SERVER_INSTANCE });
  } catch (error) {
    process.stderr.write(`game-server: cannot start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
  const server = platform;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void shutDown(server, rooms, door));
  }
}

function connectPlatform(settings: ServerSettings, port: number, rooms: Map<string, GameRoom>): GameServer {
  const platform = new GameServer({
    gatewayUrl: settings.WARREN_GATEWAY_URL,
    serverKey: settings.WARREN_SERVER_KEY,
    instanceId: settings.GAME_SERVER_INSTANCE,
    address: addressOf(settings, port),
    capacity: settings.GAME_SERVER_CAPACITY,
    version: 'carrot-rush.1',
    onAssigned: (assignment) => {
      rooms.set(assignment.game_id, openRoom(settings, assignment, { rooms, platform }));
      const players = assignment.match.players.map((player) => player.player_id);
      log('game assigned', { game: assignment.game_id, players, trace: traceOf(assignment) });
    },
    onReleased: (gameId, reason) => {
      rooms.get(gameId)?.close(reason);
      rooms.delete(gameId);
      log('game released', { game: gameId, reason });
    },
    onTrouble: trouble,
    onStopped: (reason) => {
      process.stderr.write(`game-server: sent away by the platform: ${reason}\n`);
      process.exit(1);
    },
  });
  return platform;
}

function openRoom(
  settings: ServerSettings,
  assignment: Assignment,
  context: { rooms: Map<string, GameRoom>; platform: GameServer },
): GameRoom {
  const { rooms, platform } = context;
  const gameId = assignment.game_id;
  return new GameRoom({
    assignment,
    ticks: Math.round((settings.GAME_MATCH_SECONDS * 1_000) / TICK_MS),
    joinTimeoutMs: settings.GAME_JOIN_TIMEOUT_SECONDS * 1_000,
    onResult: (result, inputLog) => {
      rooms.delete(gameId);
      // the replay is for people; the result must not wait for a disk, nor be lost with it
      keepReplay(settings, gameId, inputLog).catch((error: unknown) => trouble('keep a replay', error));
      platform
        .reportResult(result)
        .then(() =>
          log('result reported', {
            game: gameId,
            trace: traceOf(assignment),
            winner: result.winner,
            inputs: result.inputs,
          }),
        )
        .catch((error: unknown) => trouble('report a result', error));
    },
    onAbsent: () => {
      rooms.delete(gameId);
      platform
        .reportFailure(gameId, 'MATCH_PLAYER_ABSENT')
        .catch((error: unknown) => trouble('report a failure', error));
    },
  });
}

async function keepReplay(settings: ServerSettings, gameId: string, inputLog: InputLog): Promise<void> {
  const folder = settings.GAME_REPLAY_DIR;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, `${z.guid().parse(gameId)}.json`), JSON.stringify(inputLog));
}

async function shutDown(platform: GameServer, rooms: ReadonlyMap<string, GameRoom>, door: PlayerDoor): Promise<void> {
  log('draining', { games: rooms.size });
  await platform.drain().catch((error: unknown) => trouble('drain', error));
  const until = Date.now() + DRAIN_MS;
  while (platform.games.length > 0 && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  for (const gameId of platform.games)
    await platform.reportFailure(gameId, 'MATCH_ABORTED').catch((error: unknown) => trouble('give up a game', error));
  platform.stop();
  await door.close();
  process.exit(0);
}

/** The trace id of the match: every hop of it logs the same one. */
function traceOf(assignment: Assignment): string | undefined {
  return assignment.match.traceparent?.split('-')[1];
}

function addressOf(settings: ServerSettings, port: number): string {
  return settings.GAME_SERVER_ADDRESS ?? `ws://${settings.GAME_SERVER_HOST}:${port}`;
}

function log(msg: string, fields: Record<string, unknown>): void {
  process.stdout.write(
    `${JSON.stringify({ level: 'info', time: new Date().toISOString(), service: 'game-server', pid: process.pid, ...fields, msg })}\n`,
  );
}

function trouble(what: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stdout.write(
    `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), service: 'game-server', pid: process.pid, what, error: message, msg: 'trouble' })}\n`,
  );
}
