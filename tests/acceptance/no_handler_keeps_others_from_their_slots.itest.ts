import { type Database, sql, tables } from '@warren/postgres';
import { deadQueue } from '@warren/rabbit';
import { bySize, RawBroker, SeededRng, testSeed } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AppProcess, type LogLine } from '../e2e/support/app_process.ts';
import { assertCleanLogs } from '../e2e/support/clean_logs.ts';
import { say } from '../e2e/support/say.ts';
import { testDatabase } from '../e2e/support/test_database.ts';
import { until } from '../e2e/support/until.ts';
import { WarrenSystem } from '../e2e/support/warren_system.ts';
import { gameThat, type How, howOf } from './fixtures/unruly_games.ts';
import { pause } from './support/pause.ts';
import { sendRelease } from './support/release_backlog.ts';

/** `short` leaves room for a machine that is busy with everything else. */
const SIZE = bySize({ short: { rounds: 1, slackMs: 4_000 }, full: { rounds: 5, slackMs: 500 } });
const SLOTS = 4;
const MESSAGES = 100;
const TIMEOUT_MS = 1_000;
/** From the timeout of a handler that does not react until its slot is given away. */
const FREED_WITHIN_MS = 1_000;
const DONE_WITHIN_MS = 90_000;
const DEFECTS: readonly How[] = ['throws at once', 'throws a defect', 'rejects with nothing', 'rejects with a string'];

const rng = new SeededRng(testSeed());
let system: WarrenSystem;
let service: AppProcess;
let database: Database;
let coordinator: RawBroker;
let ops: RawBroker;

beforeAll(async () => {
  system = await WarrenSystem.prepare();
  // as the superuser of the test: the services have no rights to make tables
  database = testDatabase(system.place.database.url, 'allocation');
  await sql`CREATE TABLE marks (game_id uuid NOT NULL, attempt integer NOT NULL)`.execute(tables(database.read));
  await sql`GRANT INSERT ON marks TO ${sql.id(`${system.place.database.name}_allocator`)}`.execute(
    tables(database.read),
  );
  service = new AppProcess({
    name: 'allocator',
    script: 'tests/acceptance/fixtures/unruly_main.ts',
    env: {
      ...system.envOf('allocator'),
      MAX_CONCURRENT_TASKS: String(SLOTS),
      COMMAND_PROCESSING_TIMEOUT: String(TIMEOUT_MS),
    },
    ready: ({ msg }) => msg === 'ready',
  });
  system.processes.push(service);
  await service.ready();
  [coordinator, ops] = await Promise.all([
    RawBroker.connect(system.brokerUrl('coordinator')),
    RawBroker.connect(system.brokerUrl('ops')),
  ]);
}, 180_000);

afterAll(async () => {
  await Promise.all([coordinator.close(), ops.close(), database.close()]);
  const faults = await system.stop();
  assertCleanLogs(system, []);
  expect(faults).toEqual([]);
}, 60_000);

const games = (how: How, count: number): string[] => Array.from({ length: count }, () => gameThat(how));
const release = (list: readonly string[]) => Promise.all(list.map((game) => sendRelease(coordinator, game)));

interface Mark {
  readonly game: string;
  readonly attempt: number;
}

/** Effects that were committed, of these games. */
async function marksOf(list: readonly string[]): Promise<readonly Mark[]> {
  const { rows } = await sql<Mark>`
    SELECT game_id::text AS game, attempt FROM marks WHERE game_id = ANY (${list}::uuid[])`.execute(
    tables(database.read),
  );
  return rows;
}

const linesOf = (msg: string, game?: string): readonly LogLine[] =>
  service.lines.filter((line) => line.msg === msg && (game === undefined || line['game'] === game));
const timeOf = (line: LogLine | undefined): number => Date.parse(String(line?.['time']));

/** Resolves when the first run of a game began. */
const begun = (game: string): Promise<number> =>
  until(() => linesOf('work began', game).length > 0 && timeOf(linesOf('work began', game)[0]), {
    timeoutMs: DONE_WITHIN_MS,
    what: 'the work begins',
  });

const mostRunning = (): number => Math.max(...linesOf('work began').map((line) => Number(line['running'])));

test('A-11: of a hundred commands never more than four run at once', { timeout: 120_000, retry: 0 }, async () => {
  const list = games('works', MESSAGES);
  await release(list);
  await until(async () => (await marksOf(list)).length >= MESSAGES, {
    timeoutMs: DONE_WITHIN_MS,
    what: 'all are done',
  });
  expect(mostRunning()).toBe(SLOTS);
  expect(new Set((await marksOf(list)).map(({ game }) => game)).size).toBe(MESSAGES);
});

test.each(['hangs until its signal', 'ignores its signal'] as const)(
  'A-11: four handlers of which each %s give up their slots a second after their timeout',
  { timeout: 120_000, retry: 0 },
  async (how) => {
    const stuck = games(how, SLOTS);
    const next = gameThat('works');
    await release([...stuck, next]);
    const startedAt = await Promise.all(stuck.map(begun));
    const waitedMs = (await begun(next)) - Math.max(...startedAt);
    say(
      `A-11: ${how}: the next command began ${waitedMs} ms after four had begun that time out after ${TIMEOUT_MS} ms`,
    );
    expect(waitedMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 100);
    expect(waitedMs).toBeLessThan(TIMEOUT_MS + FREED_WITHIN_MS + SIZE.slackMs);
    await until(async () => (await marksOf([...stuck, next])).length > SLOTS, {
      timeoutMs: DONE_WITHIN_MS,
      what: 'the retries are done',
    });
    // those that came to their end too late did so in vain
    await until(() => stuck.every((game) => linesOf('work ended', game).length === 2), {
      timeoutMs: DONE_WITHIN_MS,
      what: 'every run has ended, however late',
    });
    const marks = await marksOf(stuck);
    expect(marks.map(({ attempt }) => attempt)).toEqual(stuck.map(() => 2));
    expect(new Set(marks.map(({ game }) => game)).size).toBe(SLOTS);
  },
);

test('A-11: among a hundred commands those that hang, fail or throw keep no other from being done once', {
  timeout: 400_000,
  retry: 0,
}, async () => {
  for (let round = 0; round < SIZE.rounds; round++) {
    const bad = [
      ...games('fails once', 8),
      ...games('hangs until its signal', 6),
      ...games('ignores its signal', 3),
      ...(round === 0 ? games('never ends', 1) : []),
    ];
    const defects = DEFECTS.flatMap((how) => games(how, 2));
    const good = games('works', MESSAGES - bad.length - defects.length);
    await release(rng.shuffle([...bad, ...defects, ...good]));
    const wanted = [...bad, ...good];
    await until(async () => (await marksOf(wanted)).length >= wanted.length, {
      timeoutMs: DONE_WITHIN_MS,
      what: 'all that can be done is done',
    });
    expect(await deadLetters(defects.length)).toEqual(defects.map((game) => `${howOf(game)}: defect`).sort());
    await pause(FREED_WITHIN_MS);
    const marks = await marksOf([...wanted, ...defects]);
    expect(marks.map(({ game }) => game).sort()).toEqual(wanted.toSorted());
    const late = bad.filter((game) => marks.some((mark) => mark.game === game && mark.attempt === 1));
    expect(late).toEqual([]);
  }
  expect(mostRunning()).toBe(SLOTS);
  expect(service.running).toBe(true);
});

/** How each dead letter's game was treated, and why it was parked; takes them away. */
async function deadLetters(count: number): Promise<string[]> {
  const found: string[] = [];
  for (let index = 0; index < count; index++) {
    const { body, properties } = await until(() => ops.take(deadQueue('allocator')), {
      timeoutMs: DONE_WITHIN_MS,
      what: 'a dead letter',
    });
    const { game_id: game } = JSON.parse(body.toString()) as { game_id: string };
    found.push(`${howOf(game)}: ${String(properties.headers?.['warren-reason'])}`);
  }
  expect(await ops.ready(deadQueue('allocator'))).toBe(0);
  return found.sort();
}
