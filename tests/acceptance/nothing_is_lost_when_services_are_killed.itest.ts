import { bySize, SeededRng, testSeed } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { say } from '../e2e/support/say.ts';
import { until } from '../e2e/support/until.ts';
import type { Role } from '../e2e/support/warren_system.ts';
import { AccountReads } from './support/account_reads.ts';
import { CLEAN, Lab, SOLO } from './support/lab.ts';
import type { LeakCheck } from './support/leak_check.ts';
import { MatchLoad } from './support/match_load.ts';
import { pause } from './support/pause.ts';
import { ReleaseBacklog } from './support/release_backlog.ts';
import type { LoadPlayer } from './support/ticket_load.ts';
import { Trial } from './support/trial.ts';

/** `short` shares two cores with everything else; its limits of time leave room for that. */
const SIZE = bySize({
  short: { players: 20, rate: 60, steadyMs: 1_500, rounds: 1, backlog: 100, peerMs: 5_000 },
  full: { players: 60, rate: 200, steadyMs: 8_000, rounds: 3, backlog: 500, peerMs: 1_000 },
});
const ROLES: readonly Role[] = ['auth', 'allocator', 'coordinator', 'gateway'];
const RECOVERY_TIMEOUT_MS = 60_000;
const MATCH_PLAYERS = 3;

const rng = new SeededRng(testSeed());
let lab: Lab;
let players: LoadPlayer[];
let matches: MatchLoad;
let leaks: LeakCheck;

beforeAll(async () => {
  lab = await Lab.open({ env: { ALLOCATOR_SERVER_LOST_AFTER_SECONDS: '600' } });
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

test('A-09: one process of every service is killed under load: its peer goes on, nothing is lost or done twice', {
  timeout: 400_000,
  retry: 0,
}, async () => {
  const order = Array.from({ length: SIZE.rounds }, () => rng.fork('order').shuffle(ROLES)).flat();
  const moments = rng.fork('moments');
  const backlog = new ReleaseBacklog(lab.system);
  const run = new Trial({ lab, name: 'A-09', players, matches, commandsPerSecond: SIZE.rate, rng });
  const reads = new AccountReads(() => lab.system.gatewayUrls, players);
  reads.start();
  await run.start(SIZE.steadyMs);
  const peers: { readonly role: Role; readonly commandMs: number; readonly readMs: number }[] = [];
  for (const role of order) {
    // durable commands are in the hands of the allocators at the moment of the kill
    await backlog.send(await backlog.prepare(SIZE.backlog));
    const victim = moments.pick(lab.system.of(role));
    await pause(moments.int(0, SIZE.steadyMs));
    victim.send('SIGKILL');
    const killedAt = performance.now();
    await victim.ended();
    const [commandMs, readMs] = await Promise.all([
      run.servedAfter(killedAt, RECOVERY_TIMEOUT_MS),
      reads.servedAfter(killedAt, RECOVERY_TIMEOUT_MS),
    ]);
    peers.push({ role, commandMs, readMs });
    await until(async () => (await backlog.left()).games === 0, {
      timeoutMs: RECOVERY_TIMEOUT_MS,
      what: 'the peer does what the killed process had in hand',
    });
    await lab.system.startApp(role);
    await pause(SIZE.steadyMs);
  }
  await reads.stop();
  await run.settle();
  for (const { role, commandMs, readMs } of peers)
    say(
      `A-09: ${role} killed; the first command begun after it was answered after ${commandMs} ms, the first read after ${readMs} ms`,
    );
  expect(peers.filter(({ commandMs, readMs }) => Math.max(commandMs, readMs) > SIZE.peerMs)).toEqual([]);
  expect(await backlog.left()).toEqual({ games: 0, places: 0 });
  await backlog.close();
});
