import { randomBytes, randomUUID } from 'node:crypto';
import { Problem } from '@warren/contracts';
import { type Database, sql, tables } from '@warren/postgres';
import { bySize } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { assertCleanLogs } from '../e2e/support/clean_logs.ts';
import { type HttpCall, type HttpOutcome, HttpSender } from '../e2e/support/http_sender.ts';
import { say } from '../e2e/support/say.ts';
import { SecretBook } from '../e2e/support/secret_book.ts';
import { Stored } from '../e2e/support/stored.ts';
import { testDatabase } from '../e2e/support/test_database.ts';
import { TestPlayer } from '../e2e/support/test_player.ts';
import { WarrenSystem } from '../e2e/support/warren_system.ts';
import { pause } from './support/pause.ts';

const SIZE = bySize({ short: { keys: 6, accounts: 2 }, full: { keys: 200, accounts: 20 } });
const AT_ONCE = 10;
const MODE = 'crowd';
const CROWD_PLAYERS = 64;
const RETRY_PAUSE_MS = 100;
const GIVE_UP_AFTER_MS = 60_000;
const SCHEMAS = { auth: 'auth', coordinator: 'coordination' } as const;

type Answered = Extract<HttpOutcome, { kind: 'answered' }>;

const secrets = new SecretBook();
let system: WarrenSystem;
let stored: Stored;
let sender: HttpSender;
let token: string;
let inboxes: Readonly<Record<keyof typeof SCHEMAS, Database>>;

beforeAll(async () => {
  system = await WarrenSystem.start({ replicas: 2, env: { GATEWAY_RATE_LIMIT_FACTOR: '100000' } });
  stored = new Stored(system);
  await stored.addMode({ name: MODE, players: CROWD_PLAYERS });
  sender = new HttpSender(() => system.gatewayUrls);
  const [gatewayUrl = ''] = system.gatewayUrls;
  const player = await new TestPlayer({ gatewayUrl, name: 'keys', secrets }).signUp();
  token = await player.client.accessToken();
  const open = (prefix: keyof typeof SCHEMAS): Database => testDatabase(system.databaseUrl(prefix), SCHEMAS[prefix]);
  inboxes = { auth: open('auth'), coordinator: open('coordinator') };
}, 180_000);

afterAll(async () => {
  sender.close();
  await Promise.all([stored.close(), inboxes.auth.close(), inboxes.coordinator.close()]);
  const faults = await system.stop();
  assertCleanLogs(system, secrets.all);
  expect(faults).toEqual([]);
}, 60_000);

/** Repeats while the answer may still change: a twin is under way, or something was away. */
async function settled(call: HttpCall): Promise<Answered> {
  const until = performance.now() + GIVE_UP_AFTER_MS;
  for (;;) {
    const outcome = await sender.send(call);
    const problem = outcome.kind === 'answered' ? Problem.safeParse(outcome.body) : undefined;
    const isOpen = outcome.kind !== 'answered' || (problem?.success === true && problem.data.retryable);
    if (!isOpen) return outcome;
    if (performance.now() > until) throw new Error(`no definite answer: ${JSON.stringify(outcome)}`);
    await pause(RETRY_PAUSE_MS);
  }
}

const tenAtOnce = (call: HttpCall): Promise<Answered[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, () => settled(call)));

/** Everything in an inbox is an hour older: as far as the service can tell, the clock was moved. */
async function ageByAnHour(prefix: keyof typeof SCHEMAS): Promise<number> {
  const result = await sql`
    UPDATE inbox SET created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour'`.execute(
    tables(inboxes[prefix].read),
  );
  return Number(result.numAffectedRows);
}

/** The same answer to all of them, byte for byte what it was. */
function expectSame(answers: readonly Answered[], status: number): Answered {
  const [first] = answers;
  if (first === undefined) throw new Error('nobody answered');
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => status));
  for (const { body } of answers) expect(body).toEqual(first.body);
  return first;
}

const ticketCall = (key: string, tag: string): HttpCall => ({
  method: 'POST',
  path: '/v1/tickets',
  headers: { authorization: `Bearer ${token}`, 'idempotency-key': key },
  body: { mode: MODE, client_tag: tag },
});

test('A-12: ten calls at once with one key, and again after an hour, make one ticket and give one answer', {
  timeout: 300_000,
  retry: 0,
}, async () => {
  for (let index = 0; index < SIZE.keys; index++) {
    const key = randomUUID();
    const call = ticketCall(key, key);
    const first = expectSame(await tenAtOnce(call), 201);
    // the answer is that of then, although the ticket is cancelled by now
    const { ticket_id: ticket } = first.body as { ticket_id: string };
    const cancel = { ...call, path: `/v1/tickets/${ticket}/cancel`, body: {} };
    expectSame(await tenAtOnce({ ...cancel, headers: { ...cancel.headers, 'idempotency-key': `${key}-c` } }), 200);
    expect(await ageByAnHour('coordinator')).toBeGreaterThan(0);
    expectSame([first, ...(await tenAtOnce(call))], 201);
    expect((await stored.tickets(MODE)).filter((row) => row.client_tag === key)).toMatchObject([
      { state: 'cancelled' },
    ]);
  }
  say(`A-12: ${SIZE.keys} keys, each ${AT_ONCE} times at once, cancelled, and ${AT_ONCE} times again after an hour`);
});

test('A-12: the same key with another body is refused with 422, now and after an hour, and changes nothing', {
  timeout: 120_000,
  retry: 0,
}, async () => {
  const key = randomUUID();
  const before = await settled(ticketCall(key, `${key}-first`));
  expect(before.status).toBe(201);
  const other = ticketCall(key, `${key}-second`);
  for (const answer of await tenAtOnce(other))
    expect(answer).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  await ageByAnHour('coordinator');
  expect(await settled(other)).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
  expect(await settled(ticketCall(key, `${key}-first`))).toEqual(before);
  const tags = (await stored.tickets(MODE)).map((row) => row.client_tag).filter((tag) => tag.startsWith(key));
  expect(tags).toEqual([`${key}-first`]);
});

test('A-12: a refusal is an answer like any other: ten calls at once and one after an hour get the same', {
  timeout: 120_000,
  retry: 0,
}, async () => {
  const call = { ...ticketCall(randomUUID(), 'refused'), body: { mode: 'no-such-mode', client_tag: 'refused' } };
  const answers = await tenAtOnce(call);
  await ageByAnHour('coordinator');
  answers.push(await settled(call));
  const told = answers.map(({ status, body }) => ({ status, code: (body as { code: string }).code }));
  expect(told).toEqual(answers.map(() => ({ status: 400, code: 'COORDINATOR_MODE_UNKNOWN' })));
});

test('A-12: ten registrations at once with one key make one account', { timeout: 300_000, retry: 0 }, async () => {
  for (let index = 0; index < SIZE.accounts; index++) {
    const login = `twin-${randomUUID().slice(0, 8)}`;
    const password = randomBytes(18).toString('base64url');
    const headers = { 'idempotency-key': randomUUID(), 'warren-device-nonce': randomUUID() };
    const body = { login, password, display_name: 'Twin' };
    const call: HttpCall = { method: 'POST', path: '/v1/auth/register', headers, body };
    secrets.read(body);
    const first = expectSame(await tenAtOnce(call), 201);
    expect(await ageByAnHour('auth')).toBeGreaterThan(0);
    expectSame([first, await settled(call)], 201);
    const other = await settled({ ...call, body: { ...body, display_name: 'Another' } });
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    const { rows } = await sql<{ accounts: number }>`
      SELECT count(*)::int AS accounts FROM accounts WHERE login = ${login}`.execute(tables(inboxes.auth.read));
    expect(rows).toEqual([{ accounts: 1 }]);
  }
});
