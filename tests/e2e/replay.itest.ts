import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { playMatch } from '@warren/example-bots';
import { InputLog, replay } from '@warren/example-game-server/game';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertCleanLogs } from './support/clean_logs.ts';
import { say } from './support/say.ts';
import { Stored } from './support/stored.ts';
import { WarrenSystem } from './support/warren_system.ts';

const MIN_INPUTS = 100;

let system: WarrenSystem;
let stored: Stored;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'warren-replay-'));
  system = await WarrenSystem.start();
  stored = new Stored(system);
  await system.startGameServer(system.gatewayUrls[0] ?? '', { GAME_REPLAY_DIR: folder, GAME_MATCH_SECONDS: '8' });
}, 120_000);

afterAll(async () => {
  await stored.close();
  const faults = await system.stop();
  await rm(folder, { recursive: true, force: true });
  assertCleanLogs(system, []);
  expect(faults).toEqual([]);
}, 60_000);

test('the input log of a match replays to the state that the platform has stored', { timeout: 90_000 }, async () => {
  const { gameId, winner, row } = await playMatch({ gatewayUrl: system.gatewayUrls[0] ?? '', timeoutMs: 60_000 });
  const log = InputLog.parse(JSON.parse(await readFile(path.join(folder, `${gameId}.json`), 'utf8')));
  const match = await stored.match(gameId);
  const again = replay(log);
  expect(again).toMatchObject({ matches: true, hash: match?.state_hash, winnerId: winner });
  expect(row.scores.map(({ score }) => score)).toEqual(again.scores);
  expect(log.seed).toBe(Number(match?.seed));
  const inputs = [0, 1].map((slot) => log.inputs.filter(([of]) => of === slot).length);
  say(`inputs of the players: ${inputs.join(' and ')}; state ${again.hash.slice(0, 16)}`);
  expect(Math.min(...inputs)).toBeGreaterThanOrEqual(MIN_INPUTS);
  expect(match?.inputs).toBe(log.inputs.length);
});

test('a log with one other input replays to another state', async () => {
  const { gameId } = await playMatch({ gatewayUrl: system.gatewayUrls[0] ?? '', timeoutMs: 60_000 });
  const log = InputLog.parse(JSON.parse(await readFile(path.join(folder, `${gameId}.json`), 'utf8')));
  const half = log.inputs.filter(([, tick]) => tick < log.ticks / 2);
  expect(replay({ ...log, inputs: half })).toMatchObject({ matches: false });
});
