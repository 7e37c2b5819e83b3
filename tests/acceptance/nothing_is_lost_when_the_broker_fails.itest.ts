import { bySize, clearMemoryAlarm, raiseMemoryAlarm, SeededRng, testSeed } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { say } from '../e2e/support/say.ts';
import { until } from '../e2e/support/until.ts';
import { allAdmit, MemoryWatch, measureRefusals } from './support/alarm_probes.ts';
import { CLEAN, Lab, SOLO } from './support/lab.ts';
import type { LeakCheck } from './support/leak_check.ts';
import { MatchLoad } from './support/match_load.ts';
import { pause } from './support/pause.ts';
import { ReleaseBacklog } from './support/release_backlog.ts';
import type { LoadPlayer } from './support/ticket_load.ts';
import { Trial } from './support/trial.ts';

/** `short` shares two cores with everything else; its limits of time leave room for that. */
const SIZE = bySize({
  short: {
    players: 20,
    rate: 60,
    steadyMs: 2_000,
    downMs: 2_000,
    kills: 2,
    silentMs: 14_000,
    alarmMs: 6_000,
    backlog: 200,
    refusals: 20,
    firstSuccessMs: 10_000,
    newPathMs: 30_000,
    slackMs: 4_000,
  },
  full: {
    players: 60,
    rate: 200,
    steadyMs: 10_000,
    downMs: 5_000,
    kills: 5,
    silentMs: 40_000,
    alarmMs: 30_000,
    backlog: 1_000,
    refusals: 100,
    firstSuccessMs: 3_000,
    newPathMs: 20_000,
    slackMs: 1_000,
  },
});
const REFUSED_WITHIN_MS = 500;
/** The kill comes this long after the backlog was stored, at most. */
const MAX_INTO_BACKLOG_MS = 60;
const MIB = 1024 * 1024;
const MAX_GROWTH_BYTES = 64 * MIB;
/** Time that a caller of the public API waits for an answer at most. */
const DEADLINE_MS = 5_000;
const RECOVERY_TIMEOUT_MS = 60_000;
const TEST_TIMEOUT_MS = 400_000;
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

const trial = (name: string): Trial => new Trial({ lab, name, players, matches, commandsPerSecond: SIZE.rate, rng });

/** Nobody waited longer for an answer than the deadline allows, whatever the answer was. */
const expectNoHanging = ({ load }: Trial): void => expect(load.slowestMs).toBeLessThan(DEADLINE_MS + SIZE.slackMs);

test('A-02: a broker that is restarted under load costs answers in time, no command and no second effect', {
  timeout: TEST_TIMEOUT_MS,
  retry: 0,
}, async () => {
  const run = trial('A-02');
  await run.start(SIZE.steadyMs);
  await lab.rabbit.stop();
  await pause(SIZE.downMs);
  const openedAt = await lab.reviveBroker();
  const tookMs = await run.recovered(openedAt, RECOVERY_TIMEOUT_MS);
  say(`A-02: first success ${tookMs} ms after the port opened`);
  await pause(SIZE.steadyMs);
  await run.settle();
  expect(tookMs).toBeLessThan(SIZE.firstSuccessMs);
  expectNoHanging(run);
});

test('A-03: a broker that is killed again and again loses nothing and repeats no more than was in hand', {
  timeout: TEST_TIMEOUT_MS,
  retry: 0,
}, async () => {
  const moments = rng.fork('kills');
  const backlog = new ReleaseBacklog(lab.system);
  const inHand = await lab.prefetchOfAll();
  const before = lab.watch.redelivered;
  const run = trial('A-03');
  await run.start(SIZE.steadyMs);
  const tookMs: number[] = [];
  for (let kill = 0; kill < SIZE.kills; kill++) {
    await pause(moments.int(100, SIZE.steadyMs));
    // consumers hold many messages at the moment of the kill
    await backlog.send(await backlog.prepare(SIZE.backlog));
    await pause(moments.int(0, MAX_INTO_BACKLOG_MS));
    await lab.rabbit.kill('SIGKILL');
    tookMs.push(await run.recovered(await lab.reviveBroker(), RECOVERY_TIMEOUT_MS));
  }
  await until(async () => (await backlog.left()).games === 0, { timeoutMs: 60_000, what: 'all releases are done' });
  await pause(SIZE.steadyMs);
  await run.settle();
  expect(await backlog.left()).toEqual({ games: 0, places: 0 });
  await backlog.close();
  const repeated = lab.watch.redelivered - before;
  say(
    `A-03: first success ${tookMs.join(', ')} ms after the port opened; ${repeated} of ${lab.watch.delivered} deliveries repeated, bound ${SIZE.kills * inHand}`,
  );
  expect(repeated).toBeGreaterThan(0);
  expect(repeated).toBeLessThanOrEqual(SIZE.kills * inHand);
  expect(Math.max(...tookMs)).toBeLessThan(SIZE.firstSuccessMs);
  expectNoHanging(run);
});

test('A-04: while no packet reaches the broker callers get answers in time, and a new path is found', {
  timeout: TEST_TIMEOUT_MS,
  retry: 0,
}, async () => {
  const run = trial('A-04');
  await run.start(SIZE.steadyMs);
  lab.proxy.flow('drop');
  await pause(SIZE.silentMs);
  lab.proxy.flow('pass');
  const tookMs = await run.recovered(performance.now(), RECOVERY_TIMEOUT_MS);
  say(`A-04: first success ${tookMs} ms after the path was there`);
  await pause(SIZE.steadyMs);
  await run.settle();
  expect(tookMs).toBeLessThan(SIZE.newPathMs);
  expectNoHanging(run);
});

test('A-05: a broker without memory makes callers hear so at once, while consumers go on', {
  timeout: TEST_TIMEOUT_MS,
  retry: 0,
}, async () => {
  const { system, rabbit } = lab;
  const [prober] = await lab.signUp(1);
  if (prober === undefined) throw new Error('nobody signed up');
  const backlog = new ReleaseBacklog(system);
  const games = await backlog.prepare(SIZE.backlog);
  const run = trial('A-05');
  await run.start(SIZE.steadyMs);
  const memory = new MemoryWatch(system.processes.filter((process) => process.running));
  const allocators = system.of('allocator');
  try {
    // nobody takes the commands yet: they are to be worked off under the alarm
    for (const process of allocators) process.send('SIGSTOP');
    await backlog.send(games);
    await raiseMemoryAlarm(rabbit.admin);
    await until(() => allAdmit('alarm', system.of('gateway')), { timeoutMs: 20_000, what: 'health shows the alarm' });
    expect(await backlog.left()).toEqual({ games: SIZE.backlog, places: SIZE.backlog });
  } finally {
    for (const process of allocators) process.send('SIGCONT');
  }
  const alarmedAt = performance.now();
  await until(async () => (await backlog.left()).games === 0, { timeoutMs: 30_000, what: 'the backlog is worked off' });
  const workedOffMs = Math.round(performance.now() - alarmedAt);
  const refusals = await measureRefusals(() => system.gatewayUrls, prober, SIZE.refusals);
  await pause(SIZE.alarmMs - (performance.now() - alarmedAt));
  expect(await allAdmit('alarm', system.of('gateway'))).toBe(true);
  const { grownBytes } = memory;
  await clearMemoryAlarm(rabbit.admin);
  const tookMs = await run.recovered(performance.now(), RECOVERY_TIMEOUT_MS);
  await pause(SIZE.steadyMs);
  await run.settle();
  say(
    `A-05: ${SIZE.backlog} commands worked off in ${workedOffMs} ms under the alarm, refused within ${refusals.medianMs} ms, ` +
      `first success ${tookMs} ms after the alarm, at most ${Math.round(grownBytes / MIB)} MiB more memory`,
  );
  expect(refusals.wrong).toEqual([]);
  expect(refusals.medianMs).toBeLessThan(REFUSED_WITHIN_MS);
  expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES);
  expect(await backlog.left()).toEqual({ games: 0, places: 0 });
  await backlog.close();
});
