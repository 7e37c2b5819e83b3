import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  brokerDefinitions,
  brokerPrefixes,
  commandsQueue,
  type DeadLetter,
  DeadLetterOffice,
  deadQueue,
  EXCHANGE,
} from '@warren/rabbit';
import { importIntoVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kit, leaveMark, pause, until, WORK } from './kit.ts';

const PASSWORD = 'a-password-for-tests';
const DEAD = deadQueue('allocator');
const FIXTURE = path.join(import.meta.dirname, 'fixtures', 'replay_main.ts');
const COUNT = 2_000;

let kit: Kit;
let office: DeadLetterOffice;
let coordinator: Awaited<ReturnType<Kit['caller']>>;
/** The defect that parks everything, until somebody mends it. */
let mended = false;
const urlOf = (prefix: string): string => kit.vhost.urlFor(kit.vhost.userPrefix + prefix, PASSWORD);

const QUERY = {
  matches: () => true,
  limit: Number.MAX_SAFE_INTEGER,
  signal: new AbortController().signal,
  dryRun: false,
  refuse: () => undefined,
  onProgress: () => undefined,
} as const;

beforeAll(async () => {
  kit = await Kit.open();
  const { userPrefix, name } = kit.vhost;
  const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'x']));
  const definitions = brokerDefinitions({ vhost: name, userPrefix, passwords });
  const users = definitions.users.map((user) => ({ name: user.name, password: PASSWORD }));
  await importIntoVhost(kit.vhost, { ...definitions, users });
  kit.works.set('mark', async (dto, context) => {
    if (!mended) throw new TypeError('a defect');
    await leaveMark(context, dto.text);
    return { done: dto.text };
  });
  await kit.service({ url: urlOf('allocator') });
  coordinator = await kit.caller('coordinator', urlOf('coordinator'));
  office = await DeadLetterOffice.open(urlOf('ops'));
  kit.defer(() => office.close());
});

afterAll(() => kit.close());

async function send(id: string): Promise<void> {
  const outcome = await coordinator.publisher.publish({
    exchange: EXCHANGE.commands,
    key: WORK.name,
    body: Buffer.from(JSON.stringify({ how: 'mark', text: id })),
    messageId: id,
    type: `${WORK.name}@1`,
    persistent: true,
    headers: { 'warren-attempt': 1 },
  });
  expect(outcome).toBe('confirmed');
}

const letters = async (): Promise<number> => (await office.count(DEAD)) ?? 0;

/** Runs the replay in a process of its own and kills it after so many letters. */
async function replayAndKill(letters: number): Promise<void> {
  const env = { ...process.env, REPLAY_URL: urlOf('ops') };
  const child = spawn(process.execPath, [FIXTURE], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)));
  for await (const line of createInterface(child.stdout)) {
    if (Number(line) >= letters) child.kill('SIGKILL');
  }
  expect(await ended).toBe('SIGKILL');
}

test('letters whose replay is killed have their effect exactly once', { timeout: 240_000 }, async () => {
  mended = false;
  const ids = Array.from({ length: COUNT }, (_, i) => `m${String(i).padStart(4, '0')}`);
  await Promise.all(ids.map(send));
  await until(async () => (await letters()) === COUNT, 60_000);
  mended = true;
  for (const count of [1, 200, 400]) await replayAndKill(count);
  await until(async () => (await letters()) > 0, 30_000);
  expect(await office.replay(DEAD, QUERY)).toMatchObject({ refused: 0, stopped: undefined });
  await until(async () => (await kit.marks()).length >= COUNT, 60_000);
  await until(async () => (await office.count(commandsQueue('allocator'))) === 0);
  await pause(300);
  expect(await kit.marks()).toEqual(ids);
  expect(await letters()).toBe(0);
});

test('a letter that was parked twice has its effect once', async () => {
  mended = false;
  await send('twice');
  await send('twice');
  await until(async () => (await letters()) === 2, 30_000);
  mended = true;
  expect(await office.replay(DEAD, QUERY)).toMatchObject({ replayed: 2 });
  await until(async () => (await kit.marks()).includes('twice'), 30_000);
  await pause(500);
  expect((await kit.marks()).filter((mark) => mark === 'twice')).toEqual(['twice']);
  expect(await letters()).toBe(0);
});

test('a letter that fails again says so, and keeps the time at which it was sent first', async () => {
  const look = async (): Promise<DeadLetter | undefined> => {
    let found: DeadLetter | undefined;
    await office.look(DEAD, { ...QUERY, onLetter: (letter) => void (found = letter) });
    return found;
  };
  mended = false;
  await send('stubborn');
  await until(async () => (await letters()) === 1, 30_000);
  const first = await look();
  expect(first).toMatchObject({ messageId: 'stubborn', command: WORK.name, reason: 'defect', replays: 0 });
  expect(first?.source).toBe(commandsQueue('allocator'));
  // timestamps of AMQP are whole seconds
  await pause(1_100);
  await office.replay(DEAD, QUERY);
  await until(async () => (await look())?.replays === 1, 30_000);
  const second = await look();
  expect(second?.sentAt).toBe(first?.sentAt);
  expect(second?.parkedAt).toBeGreaterThan(first?.parkedAt ?? 0);
});
