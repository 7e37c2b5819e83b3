import type { DeadLetterOffice } from '@warren/rabbit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Operator } from '../operator.ts';
import { BrokerWithLetters, range } from './broker_with_letters.ts';

const DEAD = 'allocator.dead';
const COMMANDS = 'allocator.commands';
const LETTERS = 10_000;
const IDS = range(LETTERS);

let broker: BrokerWithLetters;
let office: DeadLetterOffice;
let operator: Operator;

beforeAll(async () => {
  broker = await BrokerWithLetters.open();
  office = await broker.office();
  operator = new Operator({ OPS_RABBITMQ_URL: broker.urlOf('ops') });
});

beforeEach(async () => {
  for (const queue of [DEAD, COMMANDS]) await broker.drain(queue);
});

afterAll(async () => {
  operator.remove();
  await broker.close();
});

const replayed = async (): Promise<number> => (await office.count(COMMANDS)) ?? 0;

async function untilReplayed(count: number): Promise<void> {
  while ((await replayed()) < count) await new Promise((done) => setTimeout(done, 20));
}

test('10,000 letters are replayed in their order, with signs of progress', { timeout: 300_000 }, async () => {
  await broker.park(IDS.map((id) => ({ id })));
  const begin = performance.now();
  const { code, stdout, stderr } = await operator.run('dlq', 'replay', '--queue', 'allocator');
  const seconds = (performance.now() - begin) / 1_000;
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'allocator.dead: 10,000 of 10,000 letters replayed, 0 refused\n',
  });
  const progress = [...stderr.matchAll(/^allocator\.dead: ([\d,]+) of 10,000 letters replayed/gm)];
  const counts = progress.map(([, count = '']) => Number(count.replaceAll(',', '')));
  expect(counts.length).toBeGreaterThanOrEqual(Math.floor(seconds / 4));
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(await office.count(DEAD)).toBe(0);
  expect(await broker.drain(COMMANDS)).toEqual(IDS);
});

test('a replay that is killed again and again loses nothing and doubles at most the letter under way', {
  timeout: 300_000,
}, async () => {
  await broker.park(IDS.map((id) => ({ id })));
  const kills = [500, 2_000, 2_050, 6_000];
  for (const at of kills) {
    const { child, ended } = operator.start('dlq', 'replay', '--all');
    await untilReplayed(at);
    child.kill('SIGKILL');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGKILL' });
    const there = await replayed();
    expect(there).toBeGreaterThanOrEqual(at);
    expect(there).toBeLessThan(LETTERS);
  }
  expect((await operator.run('dlq', 'replay', '--all')).code).toBe(0);
  expect(await office.count(DEAD)).toBe(0);
  const ids = await broker.drain(COMMANDS);
  expect([...new Set(ids)].toSorted()).toEqual(IDS.toSorted());
  expect(ids.length).toBeLessThanOrEqual(LETTERS + kills.length);
});

test('Ctrl-C ends a replay after the letter under way: nothing is lost, doubled or out of order', async () => {
  await broker.park(IDS.map((id) => ({ id })));
  const { child, ended } = operator.start('dlq', 'replay', '--all');
  await untilReplayed(300);
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  expect(code).toBe(130);
  expect(stdout).toContain('Interrupted.');
  const there = await broker.drain(COMMANDS);
  expect(there).toEqual(IDS.slice(0, there.length));
  expect(await broker.drain(DEAD)).toEqual(IDS.slice(there.length));
});
