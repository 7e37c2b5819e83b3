import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type BodyCase, bodyCases, type JsonText, jsonTestSuite } from './support/corpora.ts';
import { type Answer, faultOf, HttpCaller, type Post, problemOf } from './support/http_caller.ts';
import { newPlayer } from './support/players.ts';
import { Tally } from './support/tally.ts';
import { EVENT_LOOP_PROBE, WatchedSystem } from './support/watched_system.ts';

const MAX_HELD_MS = 100;
const MAX_BOMB_BYTES = 32 * 1024 * 1024;

let watched: WatchedSystem;
const tally = new Tally();
let caller: HttpCaller;
let token: string;

beforeAll(async () => {
  watched = await WatchedSystem.start();
  caller = new HttpCaller(watched.url);
  token = await newPlayer(caller);
}, 180_000);

afterAll(async () => {
  tally.print();
  caller.close();
  expect(await watched.stop()).toEqual([]);
}, 60_000);

const ROUTES = ['/v1/tickets', '/v1/auth/register'];

/** With the token where the route takes one. */
const send = (path: string, bytes: Buffer, more: Pick<Post, 'headers'> = {}): Promise<Answer> =>
  caller.post({ path, bytes, ...more, ...(path.startsWith('/v1/tickets') ? { token } : {}) });

/** U+0000 in a text is valid JSON that Postgres cannot store. It is refused before any field is looked at. */
const REFUSED_TEXT = /U\+0000/;

/** A text that is valid JSON but fits no schema is refused by the names of fields. */
function wrongClass({ expected }: JsonText, answer: Answer): string | undefined {
  if (expected === 'either') return undefined;
  if (answer.status < 400) return expected === 'valid' ? undefined : `${answer.status}`;
  if (answer.status !== 400 && answer.status !== 413) return `${answer.status}`;
  const { detail, fields = [] } = problemOf(answer);
  if (expected === 'refused' || fields.length > 0 || REFUSED_TEXT.test(detail)) return undefined;
  return `${answer.status} names no field: ${detail}`;
}

test('the measure of the event loop sees one that is held', async () => {
  const hold = 'const from = process.threadCpuUsage(); while (process.threadCpuUsage(from).user < 150_000);';
  const child = spawn(process.execPath, [
    `--import=${EVENT_LOOP_PROBE}`,
    '-e',
    `setTimeout(() => { ${hold} process.kill(process.pid, 'SIGUSR2'); setTimeout(() => undefined, 500); }, 50);`,
  ]);
  const line = z
    .object({ heldMs: z.number(), role: z.literal('undefined') })
    .parse(JSON.parse(await text(child.stdout)));
  expect(line.heldMs).toBeGreaterThan(MAX_HELD_MS);
});

describe.each(ROUTES)('POST %s', (path) => {
  test('answers every text of JSONTestSuite with its class', { timeout: 60_000 }, async () => {
    const faults: string[] = [];
    for (const each of jsonTestSuite()) {
      const answer = await send(path, each.bytes);
      tally.count(`${path} JSONTestSuite ${each.expected}`, answer.status);
      const fault = faultOf(answer) ?? wrongClass(each, answer);
      if (fault !== undefined) faults.push(`${each.name}: ${fault}`);
    }
    expect(faults).toEqual([]);
    expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
  });

  test('answers every hostile body with its class', { timeout: 60_000 }, async () => {
    const faults: string[] = [];
    for (const each of bodyCases()) {
      const answer = await send(path + each.query, each.bytes, { headers: each.headers });
      tally.count(`${path} json-bodies`, answer.status);
      const fault = faultOf(answer) ?? wrongStatus(each, answer);
      if (fault !== undefined) faults.push(`${each.id}: ${fault}`);
    }
    expect(faults).toEqual([]);
    expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
  });
});

const wrongStatus = ({ statuses }: BodyCase, { status, body }: Answer): string | undefined =>
  statuses.includes(status) ? undefined : `${status} instead of ${statuses.join('/')}: ${body}`;

/** Bodies that fit the schema but for one thing, in the size that the limit lets through. */
const SPOILT: Readonly<Record<string, string>> = {
  '__proto__ beside the fields': '{"mode":"duel","__proto__":{"role":"admin"}}',
  '__proto__ in escapes': '{"mode":"duel","\\u005f\\u005fproto__":{"role":"admin"}}',
  constructor: '{"mode":"duel","constructor":{"prototype":{"role":"admin"}}}',
  prototype: '{"mode":"duel","prototype":{"role":"admin"}}',
  'byte order mark': '\ufeff{"mode":"duel"}',
  'U+0000': '{"mode":"duel","client_tag":"a\\u0000b"}',
  'half a surrogate pair': '{"mode":"duel","client_tag":"\\ud800"}',
  'a second value': '{"mode":"duel"} {"mode":"duel"}',
  'an unknown key': '{"mode":"duel","toString":1}',
  'a list for a text': '{"mode":["duel"]}',
  'an object for a text': '{"mode":{"toString":"duel"}}',
  'a mode that every object has': '{"mode":"hasOwnProperty"}',
  '33 levels': `{"mode":"duel","client_tag":${'['.repeat(33)}${']'.repeat(33)}}`,
  '8,000 levels': '['.repeat(8_000) + ']'.repeat(8_000),
  '8,000 levels, not closed': '{"a":'.repeat(3_000),
  '1,001 keys': `{${Array.from({ length: 1_001 }, (_, i) => `"k${i}":1`).join(',')}}`,
  '16,000 quotes': '"'.repeat(16_000),
  '16,000 backslashes in a text': `{"mode":"${'\\'.repeat(15_000)}"}`,
};

test('a body that fits but for one thing is refused for that thing', async () => {
  const faults: string[] = [];
  for (const [name, body] of Object.entries(SPOILT)) {
    const answer = await send('/v1/tickets', Buffer.from(body));
    tally.count('/v1/tickets spoilt', answer.status);
    const fault = faultOf(answer) ?? (answer.status === 400 || answer.status === 404 ? undefined : `${answer.status}`);
    if (fault !== undefined) faults.push(`${name}: ${fault}`);
  }
  expect(faults).toEqual([]);
  expect((await send('/v1/tickets', Buffer.from('{"mode":"duel","client_tag":"as it should be"}'))).status).toBe(201);
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});

test('prototype keys in the address of a GET are refused by name', async () => {
  const [query] = bodyCases().flatMap((each) => (each.query === '' ? [] : [each.query]));
  const answer = await caller.get(`/v1/me${query}`, token);
  expect(faultOf(answer)).toBeUndefined();
  expect(answer.status).toBe(400);
  expect(problemOf(answer).fields?.map(({ path }) => path)).toContain('__proto__[role]');
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});

test('a compressed body is refused without being unpacked', async () => {
  const bomb = bodyCases().find(({ id }) => id === 'gzip-bomb');
  if (bomb === undefined) throw new Error('the corpus has no gzip-bomb');
  const before = await watched.gatewayMemory();
  const answers = await Promise.all(
    Array.from({ length: 32 }, () => send('/v1/tickets', bomb.bytes, { headers: bomb.headers })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([415]));
  expect((await watched.gatewayMemory()) - before).toBeLessThan(MAX_BOMB_BYTES);
});
