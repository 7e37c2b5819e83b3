import type { PrivateServer } from '@warren/provision';
import { bySize, SeededRng, testSeed } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { say } from '../e2e/support/say.ts';
import { CLEAN, Lab, SOLO } from './support/lab.ts';
import type { LeakCheck } from './support/leak_check.ts';
import { MatchLoad } from './support/match_load.ts';
import { pause } from './support/pause.ts';
import type { LoadPlayer } from './support/ticket_load.ts';
import { Trial } from './support/trial.ts';

/** `short` shares two cores with everything else; its limits of time leave room for that. */
const SIZE = bySize({
  short: { players: 20, rate: 60, steadyMs: 1_500, terminations: 3, firstSuccessMs: 10_000, slackMs: 4_000 },
  full: { players: 60, rate: 200, steadyMs: 8_000, terminations: 20, firstSuccessMs: 2_000, slackMs: 1_000 },
});
/** In order, at once, in order: after the kill nobody knows which of the last commits were applied. */
const RESTARTS = ['stop', 'kill', 'stop'] as const;
const DEADLINE_MS = 5_000;
const RECOVERY_TIMEOUT_MS = 60_000;
const MATCH_PLAYERS = 3;

const rng = new SeededRng(testSeed());
let lab: Lab;
let postgres: PrivateServer;
let players: LoadPlayer[];
let matches: MatchLoad;
let leaks: LeakCheck;

beforeAll(async () => {
  lab = await Lab.open();
  postgres = await lab.servers.postgres();
  leaks = await lab.beginLeakCheck();
  players = await lab.signUp(SIZE.players);
  matches = await MatchLoad.open({
    gatewayUrl: lab.gatewayUrl,
    count: MATCH_PLAYERS,
    mode: SOLO,
    secrets: lab.secrets,
  });
}, 300_000);

afterAll(async () => {
  matches?.close();
  expect(await lab.end(leaks)).toEqual(CLEAN);
}, 200_000);

/** Ends the server, starts it again. Resolves to the moment at which it takes sessions. */
async function restart(how: (typeof RESTARTS)[number]): Promise<number> {
  if (how === 'stop') await postgres.stop();
  else await postgres.kill('SIGKILL');
  postgres = await lab.servers.postgres();
  return performance.now();
}

test('A-06: Postgres is restarted, killed and loses its sessions under load: no command is lost, none is done twice', {
  timeout: 400_000,
  retry: 0,
}, async () => {
  const moments = rng.fork('postgres');
  const run = new Trial({ lab, name: 'A-06', players, matches, commandsPerSecond: SIZE.rate, rng });
  await run.start(SIZE.steadyMs);
  const tookMs: number[] = [];
  for (const how of RESTARTS) {
    await pause(moments.int(100, SIZE.steadyMs));
    tookMs.push(await run.recovered(await restart(how), RECOVERY_TIMEOUT_MS));
  }
  let ended = 0;
  for (let time = 0; time < SIZE.terminations; time++) {
    await pause(moments.int(50, SIZE.steadyMs / 2));
    ended += await lab.sessions.terminateAll();
    tookMs.push(await run.recovered(performance.now(), RECOVERY_TIMEOUT_MS));
  }
  await pause(SIZE.steadyMs);
  await run.settle();
  say(`A-06: first success ${tookMs.join(', ')} ms after Postgres was there again; ${ended} sessions were ended`);
  expect(ended).toBeGreaterThan(SIZE.terminations);
  expect(Math.max(...tookMs)).toBeLessThan(SIZE.firstSuccessMs);
  expect(run.load.slowestMs).toBeLessThan(DEADLINE_MS + SIZE.slackMs);
});
