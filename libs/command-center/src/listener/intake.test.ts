import { silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { beforeEach, describe, expect, test } from 'vitest';
import { Intake } from './intake.ts';
import { ListenerMetrics } from './listener_metrics.ts';
import type { WorkSource } from './work_source.ts';

const QUEUE = 'test.commands';
const OPEN_MS = 30_000;

let now: number;
let calls: string[];
let source: WorkSource;
let metrics: Metrics;
let intake: Intake;

const record = (call: string): Promise<void> => {
  calls.push(call);
  return Promise.resolve();
};

function make(killSwitch = true): Intake {
  const handBack = (): void => void calls.push('hand back');
  const series = new ListenerMetrics(metrics, QUEUE, () => 0);
  return new Intake({ source, handBack, killSwitch, logger: silentLogger(), metrics: series });
}

beforeEach(() => {
  now = 0;
  calls = [];
  metrics = new Metrics('test');
  source = {
    consuming: true,
    start: (limit) => record(limit === undefined ? 'start' : `start ${limit}`),
    hold: () => record('hold'),
    cancel: () => record('cancel'),
    close: () => record('close'),
  };
  intake = make();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function fail(times: number): void {
  for (let i = 0; i < times; i++) intake.record(true, now);
}

async function later(ms: number): Promise<void> {
  now += ms;
  intake.check(now);
  await turn();
}

/** What it did since the last look. */
const taken = (): string[] => calls.splice(0);

const level = async (): Promise<string | undefined> =>
  (await metrics.render()).split('\n').find((line) => line.startsWith('warren_listener_kill_switch{'));

describe('an intake', () => {
  test('opens its kill switch when most of the work fails: nothing comes, and what waits goes back', async () => {
    await intake.start();
    expect(taken()).toEqual(['start']);
    fail(20);
    await later(50);
    expect(taken()).toEqual(['hold', 'hand back']);
    expect(intake.problem).toMatch(/20 of its last 20 messages failed/);
    expect(await level()).toMatch(/ 2$/);
    expect(await metrics.render()).toMatch(/warren_listener_kill_switch_opened_total\{[^}]*\} 1/);
  });

  test('tries one message after 30 s, and goes on when it is done', async () => {
    await intake.start();
    fail(20);
    await later(50);
    taken();
    await later(OPEN_MS);
    expect(taken()).toEqual(['start 1']);
    expect(await level()).toMatch(/ 1$/);
    intake.record(false, now);
    await later(50);
    expect(taken()).toEqual(['hold', 'hand back', 'start']);
    expect(intake.problem).toBeUndefined();
    expect(await level()).toMatch(/ 0$/);
  });

  test('waits another 30 s when the one message fails', async () => {
    await intake.start();
    fail(20);
    await later(50);
    await later(OPEN_MS);
    taken();
    fail(1);
    await later(50);
    expect(taken()).toEqual(['hold', 'hand back']);
    await later(OPEN_MS);
    expect(taken()).toEqual(['start 1']);
  });

  test('paused while its switch is open it stays so when resumed, until the time has come', async () => {
    await intake.start();
    fail(20);
    await later(50);
    taken();
    await intake.pause();
    expect(taken()).toEqual(['cancel', 'hand back']);
    expect(intake.problem).toBeUndefined();
    await intake.resume();
    expect(taken()).toEqual(['hold', 'hand back']);
    await later(OPEN_MS);
    expect(taken()).toEqual(['start 1']);
  });

  test('drained while its switch is open takes nothing any more', async () => {
    await intake.start();
    fail(20);
    await later(50);
    await intake.drain();
    taken();
    await later(OPEN_MS);
    await intake.resume();
    expect(taken()).toEqual([]);
    expect(intake.state).toBe('draining');
  });

  test('without a kill switch takes messages whatever becomes of them', async () => {
    intake = make(false);
    await intake.start();
    fail(100);
    await later(50);
    expect(taken()).toEqual(['start']);
    expect(intake.problem).toBeUndefined();
  });
});
