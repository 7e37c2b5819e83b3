import { randomUUID } from 'node:crypto';
import { LEASE_LOST, RELEASE_GAME } from '@warren/contracts';
import { deadQueue, EXCHANGE, pushKey, pushQueue } from '@warren/rabbit';
import { bySize, RawBroker, type RawMessage, SeededRng, testSeed } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { say } from '../e2e/support/say.ts';
import { until } from '../e2e/support/until.ts';
import { CLEAN, Lab } from './support/lab.ts';
import type { LeakCheck } from './support/leak_check.ts';
import { GOOD_BODY, POISON, type PoisonMessage } from './support/poison_messages.ts';
import { ReleaseBacklog, sendRelease } from './support/release_backlog.ts';

/** The share of the normal rate that good messages keep among poison; `short` leaves room for a busy machine. */
const SIZE = bySize({ short: { good: 400, rounds: 3, share: 0.4 }, full: { good: 3_000, rounds: 5, share: 0.9 } });
const QUEUE = 'allocator.commands';
const PARKED_WITHIN_MS = 20_000;
const WORKED_OFF_WITHIN_MS = 60_000;
const POLL_MS = 10;
const PERSISTENT = 2;
/** Of a body larger than any that we send the beginning is kept. */
const MAX_BODY = 256 * 1024;
const MAX_LOG_CHARS_PER_MESSAGE = 4_096;

const rng = new SeededRng(testSeed());
let lab: Lab;
let leaks: LeakCheck;
let coordinator: RawBroker;
let gateway: RawBroker;
let allocator: RawBroker;
/** Reads dead letters. */
let ops: RawBroker;

beforeAll(async () => {
  lab = await Lab.open({ replicas: 1, env: { ALLOCATOR_SERVER_LOST_AFTER_SECONDS: '600' } });
  leaks = await lab.beginLeakCheck();
  const connect = (user: string): Promise<RawBroker> => RawBroker.connect(lab.system.brokerUrl(user));
  [coordinator, gateway, allocator, ops] = await Promise.all(
    ['coordinator', 'gateway', 'allocator', 'ops'].map(connect) as [
      Promise<RawBroker>,
      Promise<RawBroker>,
      Promise<RawBroker>,
      Promise<RawBroker>,
    ],
  );
}, 300_000);

afterAll(async () => {
  await Promise.all([coordinator, gateway, allocator, ops].map((broker) => broker.close()));
  expect(await lab.end(leaks)).toEqual(CLEAN);
}, 200_000);

interface Sent {
  readonly messageId?: string;
  readonly correlationId?: string;
}

/** Sends one; resolves to its ids. */
async function send(poison: PoisonMessage): Promise<Sent> {
  const { from = 'coordinator', key = RELEASE_GAME.name } = poison;
  const properties = {
    contentType: 'application/json',
    messageId: randomUUID(),
    correlationId: randomUUID(),
    type: `${RELEASE_GAME.name}@${RELEASE_GAME.version}`,
    userId: from,
    appId: from,
    persistent: true,
    ...poison.properties,
  };
  await (from === 'gateway' ? gateway : coordinator).publish(EXCHANGE.commands, key, bodyOf(poison), properties);
  return properties;
}

/** The next dead letter of a service. @throws Error when none comes */
const nextDead = (prefix: string): Promise<RawMessage> =>
  until(() => ops.take(deadQueue(prefix)), { timeoutMs: PARKED_WITHIN_MS, what: 'a dead letter', pollMs: POLL_MS });

const bodyOf = ({ body = Buffer.from(JSON.stringify(GOOD_BODY)) }: PoisonMessage): Buffer => body;

/** Everything that somebody who finds the dead letter must be told. */
function told(poison: PoisonMessage, { body, properties }: RawMessage): object {
  const { headers = {}, messageId, correlationId, userId, deliveryMode } = properties;
  const sent = bodyOf(poison);
  return {
    name: poison.name,
    reason: headers['warren-reason'],
    queue: headers['warren-source-queue'],
    attempt: headers['warren-attempt'],
    origin: headers['warren-origin-user'],
    isExplained: typeof headers['warren-error-message'] === 'string',
    messageId,
    correlationId,
    userId,
    deliveryMode,
    isSameBody: (sent.length > MAX_BODY ? sent.subarray(0, body.length) : sent).equals(body),
  };
}

function expectedOf(poison: PoisonMessage, { messageId, correlationId }: Sent): object {
  const isAnonymous = 'userId' in (poison.properties ?? {});
  return {
    name: poison.name,
    reason: poison.reason ?? 'invalid_payload',
    queue: QUEUE,
    attempt: poison.attempt ?? 1,
    origin: isAnonymous ? 'unknown' : (poison.from ?? 'coordinator'),
    isExplained: true,
    messageId: messageId ?? '',
    correlationId,
    userId: 'allocator',
    deliveryMode: PERSISTENT,
    isSameBody: true,
  };
}

test(`A-10: each of ${POISON.length} poison messages becomes one dead letter that says what it was`, {
  timeout: 300_000,
  retry: 0,
}, async () => {
  expect(POISON.length).toBeGreaterThanOrEqual(40);
  const found: object[] = [];
  const expected: object[] = [];
  for (const poison of rng.shuffle(POISON)) {
    expected.push(expectedOf(poison, await send(poison)));
    found.push(told(poison, await nextDead('allocator')));
  }
  expect(found).toEqual(expected);
  expect(await ops.ready(deadQueue('allocator'))).toBe(0);
  expectBoundedLog();
});

/** Lines of dead letters, which the logger bounds where there are many at once, and none that repeats what somebody sent. */
function expectBoundedLog(): void {
  const [process] = lab.system.of('allocator');
  const lines = process?.lines.filter(({ msg }) => msg === 'message parked in the dead letters') ?? [];
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThanOrEqual(POISON.length);
  expect(Math.max(...lines.map((line) => JSON.stringify(line).length))).toBeLessThan(MAX_LOG_CHARS_PER_MESSAGE);
}

test('A-10: a sender who takes the name of another reaches nobody', { retry: 0 }, async () => {
  const body = Buffer.from(JSON.stringify(GOOD_BODY));
  const forged = { contentType: 'application/json', messageId: randomUUID(), userId: 'coordinator' };
  await expect(gateway.publish(EXCHANGE.commands, RELEASE_GAME.name, body, forged)).rejects.toThrow(/406|PRECONDITION/);
  await gateway.reopen();
  expect(await ops.ready(deadQueue('allocator'))).toBe(0);
});

test('A-10: events and pushed messages that nobody can read are parked as well, requests are answered or dropped', {
  timeout: 120_000,
  retry: 0,
}, async () => {
  const bodies = POISON.flatMap(({ body }) => (body === undefined || body.length > MAX_BODY ? [] : [body]));
  const common = { contentType: 'application/json', persistent: true };
  for (const body of bodies) {
    const ids = { messageId: randomUUID(), correlationId: randomUUID() };
    await allocator.publish(EXCHANGE.events, LEASE_LOST.name, body, { ...common, ...ids, userId: 'allocator' });
    await coordinator.publish(EXCHANGE.push, pushKey(0), body, { ...common, ...ids, userId: 'coordinator' });
    await gateway.publish(EXCHANGE.rpc, 'coordinator.get_ticket', body, { ...common, ...ids, userId: 'gateway' });
    const [event, push] = await Promise.all([nextDead('coordinator'), nextDead('gateway')]);
    expect([event, push].map(({ properties }) => properties.messageId)).toEqual([ids.messageId, ids.messageId]);
    expect([event, push].map(({ properties }) => properties.headers?.['warren-source-queue'])).toEqual([
      'coordinator.events.leases',
      pushQueue(0),
    ]);
    for (const { properties } of [event, push]) {
      expect(properties.correlationId).toBe(ids.correlationId);
      expect(properties.headers?.['warren-reason']).toBe('invalid_payload');
      expect(properties.headers?.['warren-attempt']).toBe(1);
    }
  }
  for (const prefix of ['coordinator', 'gateway', 'allocator']) expect(await ops.ready(deadQueue(prefix))).toBe(0);
});

test('A-10: good messages are worked off nearly as fast among poison as without', {
  timeout: 300_000,
  retry: 0,
}, async () => {
  const backlog = new ReleaseBacklog(lab.system);
  const rates = { alone: [] as number[], among: [] as number[] };
  for (let round = 0; round < SIZE.rounds; round++) {
    rates.alone.push(await rateOf(backlog, []));
    rates.among.push(await rateOf(backlog, rng.shuffle(POISON)));
  }
  const best = { alone: Math.max(...rates.alone), among: Math.max(...rates.among) };
  say(
    `A-10: ${Math.round(best.alone)} good messages per second alone, ${Math.round(best.among)} among ${POISON.length} poison ones`,
  );
  expect(best.among / best.alone).toBeGreaterThan(SIZE.share);
  await backlog.close();
});

/** Good messages per second, from the moment the consumer may begin. Takes the dead letters away again. */
async function rateOf(backlog: ReleaseBacklog, poison: readonly PoisonMessage[]): Promise<number> {
  const [process] = lab.system.of('allocator');
  if (process === undefined) throw new Error('no allocator runs');
  const games = await backlog.prepare(SIZE.good);
  process.send('SIGSTOP');
  const every = Math.floor(games.length / Math.max(1, poison.length));
  const sending = games.flatMap((game, index) => {
    const one = index % every === 0 ? poison[index / every] : undefined;
    return [...(one === undefined ? [] : [send(one)]), sendRelease(coordinator, game)];
  });
  await Promise.all(sending);
  const begunAt = performance.now();
  process.send('SIGCONT');
  await until(async () => (await backlog.left()).games === 0, {
    timeoutMs: WORKED_OFF_WITHIN_MS,
    what: 'all games end',
    pollMs: POLL_MS,
  });
  const tookMs = performance.now() - begunAt;
  for (let index = 0; index < poison.length; index++) await nextDead('allocator');
  return (SIZE.good * 1_000) / tookMs;
}
