import { beforeEach, describe, expect, test } from 'vitest';
import { KillSwitch } from './kill_switch.ts';

const START_MS = 123_456;

let now: number;
let flow: KillSwitch;

beforeEach(() => {
  now = START_MS;
  flow = new KillSwitch();
});

/** Results one after the other, each `everyMs` later. */
function results(failed: number, good: number, everyMs = 0): void {
  const all = [...Array.from({ length: good }, () => false), ...Array.from({ length: failed }, () => true)];
  for (const one of all) {
    flow.record(one, now);
    now += everyMs;
  }
}

function later(ms: number): void {
  now += ms;
  flow.check(now);
}

describe('a kill switch', () => {
  test('stays closed with fewer than 20 results, however many of them failed', () => {
    results(19, 0);
    expect(flow.state).toBe('closed');
    results(1, 0);
    expect(flow.state).toBe('open');
  });

  test.each([
    [10, 10, 'closed'],
    [11, 10, 'open'],
    [50, 100, 'closed'],
  ])('with %i failures among as many and %i good ones is %s', (failed, good, state) => {
    results(failed, good);
    expect(flow.state).toBe(state);
  });

  test('counts the last 30 s only', () => {
    results(15, 0);
    now += 31_000;
    results(15, 0);
    expect(flow.state).toBe('closed');
    results(5, 0);
    expect(flow.state).toBe('open');
  });

  test('remembers results across seconds within its window', () => {
    results(19, 0, 1_000);
    expect(flow.state).toBe('closed');
    results(1, 0);
    expect(flow.state).toBe('open');
  });

  test('lets one result decide after 30 s: a good one closes it, and what failed before is forgotten', () => {
    results(20, 0);
    expect(flow.problem).toMatch(/^20 of its last 20 messages failed/);
    later(29_999);
    expect(flow.state).toBe('open');
    later(1);
    expect(flow.state).toBe('half_open');
    expect(flow.problem).toBeDefined();
    flow.record(false, now);
    expect(flow.state).toBe('closed');
    expect(flow.problem).toBeUndefined();
    results(19, 0);
    expect(flow.state).toBe('closed');
  });

  test('opens again for 30 s when the one message fails', () => {
    results(20, 0);
    later(30_000);
    flow.record(true, now);
    expect(flow.state).toBe('open');
    later(29_999);
    expect(flow.state).toBe('open');
    later(1);
    expect(flow.state).toBe('half_open');
  });

  test('does not hear of work that ends while it is open', () => {
    results(20, 0);
    results(0, 50);
    expect(flow.state).toBe('open');
  });
});
