import { randomUUID } from 'node:crypto';
import { CREATE_TICKET, type CreateTicketDto, REGISTER, type RegisterDto } from '@warren/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BrokerCaller, brokerCaller } from './support/broker_caller.ts';
import { WatchedSystem } from './support/watched_system.ts';

const MAX_HELD_MS = 100;
const PLAYER = { kind: 'player', id: randomUUID(), sessionId: randomUUID(), roles: ['player'] } as const;

let watched: WatchedSystem;
let caller: BrokerCaller;

beforeAll(async () => {
  watched = await WatchedSystem.start();
  caller = await brokerCaller(watched.system);
}, 180_000);

afterAll(async () => {
  await caller.close();
  expect(await watched.stop()).toEqual([]);
}, 60_000);

/** Added to a request that would be served. No gateway stands before the service. */
const HOSTILE: readonly string[] = [
  '"__proto__":{"role":"admin"}',
  '"\\u005f\\u005fproto__":{"role":"admin"}',
  '"constructor":{"prototype":{"role":"admin"}}',
  '"prototype":{"role":"admin"}',
  '"nested":{"__proto__":{"role":"admin"}}',
  '"list":[{"__proto__":{"role":"admin"}}]',
  '"tag":"\\u0000"',
  '"tag":"\\ud800"',
  `"deep":${'['.repeat(40)}${']'.repeat(40)}`,
];

test.each(HOSTILE.map((hostile) => ({ hostile, shown: hostile.slice(0, 40) })))(
  'a message with $shown is refused by the service itself, and nothing is polluted',
  async ({ hostile }) => {
    const ticket = JSON.parse(`{"mode":"duel",${hostile}}`) as CreateTicketDto;
    const account = JSON.parse(
      `{"login":"somebody","password":"Violet-Harbor-7391","display_name":"A",${hostile}}`,
    ) as RegisterDto;
    const options = { messageId: randomUUID() };
    const answers = await Promise.all([
      caller.rpc.outcome(CREATE_TICKET, ticket, { ...options, actor: PLAYER }),
      caller.rpc.outcome(REGISTER, account, { ...options, actor: { kind: 'anonymous' } }),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ kind: 'remote', error: { code: 'REQUEST_INVALID' } });
    expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
  },
);
