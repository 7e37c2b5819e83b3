import type { DeadLetterOffice } from '@warren/rabbit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Operator } from '../operator.ts';
import { BrokerWithLetters, range } from './broker_with_letters.ts';

const DEAD = 'allocator.dead';
const DAY_MS = 86_400_000;

let broker: BrokerWithLetters;
let office: DeadLetterOffice;
let operator: Operator;

beforeAll(async () => {
  broker = await BrokerWithLetters.open();
  office = await broker.office();
  operator = new Operator({ OPS_RABBITMQ_URL: broker.urlOf('ops') });
});

beforeEach(async () => {
  for (const queue of [DEAD, 'allocator.commands', 'warren.unroutable']) await broker.drain(queue);
});

afterAll(async () => {
  operator.remove();
  await broker.close();
});

test('dlq list counts letters by queue, command, reason and code, and leaves them', async () => {
  await broker.park([
    ...range(3).map((id) => ({ id })),
    { id: 'x', reason: 'defect', code: 'SERVICE_INTERNAL', command: 'allocator.release_game' },
  ]);
  const { code, stdout, stderr } = await operator.run('dlq', 'list');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [head, first, second, total] = stdout.trimEnd().split('\n');
  expect(head?.split(/ {2,}/)).toEqual(['QUEUE', 'FROM', 'COMMAND', 'REASON', 'CODE', 'LETTERS', 'OLDEST', 'NEWEST']);
  expect(first).toMatch(/^allocator\.dead {2}allocator\.commands {2}allocator\.assign_game .*SERVICE_UNAVAILABLE +3 /);
  expect(second).toMatch(/allocator\.release_game +defect +SERVICE_INTERNAL +1 /);
  expect(total).toBe('4 letters');
  expect(await office.count(DEAD)).toBe(4);
});

test('dlq list narrows letters down by every filter, also in JSON', async () => {
  await broker.park([
    { id: 'a' },
    { id: 'b', reason: 'defect' },
    { id: 'c', code: 'X_GONE' },
    { id: 'd', command: 'allocator.release_game' },
    { id: 'e', source: 'allocator.events.other' },
  ]);
  const counts: Record<string, unknown> = {};
  for (const filter of [
    '--reason=defect',
    '--code=X_GONE',
    '--command=allocator.release_game',
    '--source=allocator.events.other',
    '--newer-than=1h',
    '--older-than=1h',
    '--queue=unroutable',
    '--limit=2',
  ]) {
    const { code, stdout } = await operator.run('dlq', 'list', '--json', filter);
    expect(code).toBe(0);
    counts[filter] = (JSON.parse(stdout) as { matched: number }).matched;
  }
  expect(counts).toEqual({
    '--reason=defect': 1,
    '--code=X_GONE': 1,
    '--command=allocator.release_game': 1,
    '--source=allocator.events.other': 1,
    '--newer-than=1h': 5,
    '--older-than=1h': 0,
    '--queue=unroutable': 0,
    '--limit=2': 2,
  });
});

test('dlq show prints a letter whole, without the secrets that a contract names and without control characters', async () => {
  const body = {
    login: 'hazel',
    password: 'a long walk',
    nested: [{ join_ticket: 'eyJ0' }],
    text: '\u001b[2J\u202e',
  };
  await broker.park([{ id: 'secret', command: 'auth.login', code: '\u001b[31mRED', body }]);
  const { code, stdout } = await operator.run('dlq', 'show', 'secret');
  expect(code).toBe(0);
  expect(stdout).toContain('"login": "hazel"');
  expect(stdout).toContain('"password": "***"');
  expect(stdout).toContain('"join_ticket": "***"');
  expect(stdout).toContain('warren-source-queue: allocator.commands');
  expect(stdout).toContain('userId: ');
  for (const hidden of ['a long walk', 'eyJ0', '\u001b', '\u202e']) expect(stdout).not.toContain(hidden);
  const json = await operator.run('dlq', 'show', 'secret', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject([{ messageId: 'secret', body: { login: 'hazel', password: '***' } }]);
  expect(json.stdout).not.toMatch(/a long walk|eyJ0/);
});

test('dlq show masks secrets also in a body whose end was cut off', async () => {
  const whole = JSON.stringify({ password: 'a "long" walk', refresh_token: 'r3fresh', login: 'hazel' });
  await broker.park([{ id: 'cut', raw: whole.slice(0, -3) }]);
  const { stdout } = await operator.run('dlq', 'show', 'cut');
  expect(stdout).toContain('"login":"haz');
  expect(stdout).not.toMatch(/long|r3fresh/);
});

test('dlq replay refuses what an inbox has forgotten, unless it is forced', async () => {
  await broker.park([{ id: 'old', sentAt: Date.now() - 8 * DAY_MS }, { id: 'new' }]);
  const first = await operator.run('dlq', 'replay', '--queue', 'allocator');
  expect(first.code).toBe(1);
  expect(first.stdout).toContain('1 of 2 letters replayed, 1 refused');
  expect(first.stdout).toMatch(/more than 7d ago.*--force/);
  expect(await broker.drain('allocator.commands')).toEqual(['new']);
  expect((await operator.run('dlq', 'replay', 'old', '--force')).code).toBe(0);
  expect(await broker.drain('allocator.commands')).toEqual(['old']);
});

test('dlq replay --dry-run says what would happen and does nothing', async () => {
  await broker.park([{ id: 'a' }, { id: 'b', source: 'auth.commands' }]);
  const { code, stdout } = await operator.run('dlq', 'replay', '--all', '--dry-run');
  expect(code).toBe(1);
  expect(stdout).toContain('1 of 2 letters would be replayed, 1 would be refused');
  expect(stdout).toContain('which is no queue of allocator');
  expect(await office.count(DEAD)).toBe(2);
  expect(await office.count('allocator.commands')).toBe(0);
});

test('dlq drop needs a yes: from the command line, or typed at a terminal', async () => {
  await broker.park(range(5).map((id) => ({ id })));
  expect((await operator.run('dlq', 'drop', '--all')).code).toBe(2);
  expect((await operator.run('dlq', 'drop', '--all', '--dry-run')).stdout).toContain('5 of 5 letters would be dropped');
  expect(await office.count(DEAD)).toBe(5);
  expect((await operator.run('dlq', 'drop', 'm1', '--yes')).stdout).toContain('1 of 5 letters dropped');
  for (const [answer, left] of [
    ['no', 4],
    ['yes', 0],
  ] as const) {
    const { child, ended } = operator.startInTerminal('dlq', 'drop', '--all');
    child.stdout?.on('data', (text: string) => {
      if (text.includes('Type yes')) child.stdin?.write(`${answer}\n`);
    });
    expect(await ended).toMatchObject({ code: 0 });
    expect(await office.count(DEAD)).toBe(left);
  }
});

test('Ctrl-C at the question drops nothing', async () => {
  await broker.park(range(5).map((id) => ({ id })));
  const { child, ended } = operator.startInTerminal('dlq', 'drop', '--all');
  child.stdout?.on('data', (text: string) => {
    if (text.includes('Type yes')) child.stdin?.write('\u0003');
  });
  expect(await ended).toMatchObject({ code: 130 });
  expect(await broker.drain(DEAD)).toEqual(range(5));
});

test.each([
  ['an unknown option', ['dlq', 'list', '--nothing']],
  ['an unknown command', ['dlq', 'eat']],
  ['a queue that is none', ['dlq', 'list', '--queue', 'nobody']],
  ['a limit that is none', ['dlq', 'list', '--limit', '0']],
  ['an age that is none', ['dlq', 'list', '--older-than', 'yesterday']],
  ['a replay of nothing in particular', ['dlq', 'replay']],
  ['a drop of nothing in particular', ['dlq', 'drop', '--yes']],
])('%s is wrong usage: exit code 2 and a sentence', async (_, args) => {
  const { code, stderr } = await operator.run(...args);
  expect(code).toBe(2);
  expect(stderr).toMatch(/\w/);
  expect(stderr).not.toMatch(/ at .*:\d+/);
});

test('a broker that refuses the login, or a letter that is not there, is one sentence and exit code 1', async () => {
  const url = new URL(broker.urlOf('ops'));
  url.password = 'wrong-and-secret';
  const stranger = new Operator({ OPS_RABBITMQ_URL: url.href });
  const refused = await stranger.run('dlq', 'list');
  stranger.remove();
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^warren: The broker refuses the password of user [^\n]+\n$/);
  expect(refused.stderr).not.toContain('wrong-and-secret');
  expect(await operator.run('dlq', 'show', 'nothing')).toMatchObject({
    code: 1,
    stderr: 'warren: There is no dead letter with this message id.\n',
  });
});
