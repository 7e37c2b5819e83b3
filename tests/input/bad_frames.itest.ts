import { CLOSE_CODES } from '@warren/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bodyCases, type JsonText, jsonTestSuite } from './support/corpora.ts';
import { HttpCaller } from './support/http_caller.ts';
import { newPlayer } from './support/players.ts';
import { type Heard, RawSocket } from './support/raw_socket.ts';
import { Tally } from './support/tally.ts';
import { WatchedSystem } from './support/watched_system.ts';

const MAX_HELD_MS = 100;
/** One fewer than the gateway bears. */
const FAULTS_PER_SOCKET = 4;
/** Text that is no UTF-8 ends a connection by the WebSocket protocol itself. */
const NOT_UTF8 = 1007;

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

/** What the gateway made of a frame: the first line of its reason, or how it ended the connection. */
interface Verdict {
  readonly id?: string;
  readonly code: string;
  readonly message: string;
  readonly fields: number;
}

function verdictOf(heard: Heard): Verdict {
  if ('closed' in heard) return { code: `closed ${heard.closed}`, message: '', fields: 0 };
  const { frame } = heard;
  if ('error' in frame)
    return {
      ...('id' in frame ? { id: frame.id } : {}),
      code: frame.error.code,
      message: frame.error.message,
      fields: frame.error.fields?.length ?? 0,
    };
  return { code: 'ok', message: JSON.stringify(frame), fields: 0 };
}

/** Sends every frame, each over a socket that has made few faults yet. */
async function verdicts(frames: readonly Buffer[]): Promise<Verdict[]> {
  const found: Verdict[] = [];
  let socket: RawSocket | undefined;
  for (const [index, frame] of frames.entries()) {
    if (socket === undefined || !socket.open || index % FAULTS_PER_SOCKET === 0) {
      await socket?.close();
      socket = await RawSocket.open(watched.url, { token });
    }
    socket.send(frame);
    const heard = await socket.next();
    if ('closed' in heard) socket = undefined;
    found.push(verdictOf(heard));
  }
  await socket?.close();
  return found;
}

const TOO_BIG = `closed ${CLOSE_CODES.tooBig}`;
const REFUSED = new Set(['REQUEST_INVALID', TOO_BIG, `closed ${NOT_UTF8}`]);
/** Reasons that tell of the text itself and not of what it says. */
const NOT_PARSED = /not valid JSON|not valid UTF-8|byte order mark/;

function wrongFrame({ expected }: JsonText, { code, message }: Verdict): string | undefined {
  if (!REFUSED.has(code)) return `${code} ${message}`;
  if (expected === 'either') return undefined;
  const unread = code !== 'REQUEST_INVALID' || NOT_PARSED.test(message);
  return unread === (expected === 'refused') ? undefined : `${code} ${message}`;
}

test('every text of JSONTestSuite as a whole frame is answered with its class', { timeout: 90_000 }, async () => {
  const texts = jsonTestSuite().filter(({ bytes }) => bytes.length > 0);
  const found = await verdicts(texts.map(({ bytes }) => bytes));
  const faults = texts.flatMap((text, i) => {
    const verdict = found[i];
    if (verdict === undefined) return [`${text.name}: no answer`];
    tally.count(`frame JSONTestSuite ${text.expected}`, verdict.code);
    const fault = wrongFrame(text, verdict);
    return fault === undefined ? [] : [`${text.name}: ${fault}`];
  });
  expect(faults).toEqual([]);
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});

const asPayload = (bytes: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('{"id":"r","type":"ticket.create","key":"key-of-the-test","payload":'),
    bytes,
    Buffer.from('}'),
  ]);

/** The gateway read the frame and names what does not fit: a field, the payload itself, or a text that nobody can store. */
const namesPart = ({ id, message, fields }: Verdict): boolean =>
  fields > 0 || message.includes('U+0000') || (id === 'r' && message.includes('payload'));

/** A payload that is JSON but fits nothing is refused by field; what is no JSON spoils the frame around it. */
function wrongPayload({ expected }: JsonText, verdict: Verdict): string | undefined {
  const { code, message } = verdict;
  const shown = `${code} ${message}`;
  if (!REFUSED.has(code)) return shown;
  if (expected === 'either') return undefined;
  const read = code === 'REQUEST_INVALID' && !NOT_PARSED.test(message);
  if (expected === 'refused') return read ? shown : undefined;
  return read && namesPart(verdict) ? undefined : shown;
}

test('every text of JSONTestSuite as the payload of a request is answered with its class', {
  timeout: 90_000,
}, async () => {
  const texts = jsonTestSuite();
  const found = await verdicts(texts.map(({ bytes }) => asPayload(bytes)));
  const faults = texts.flatMap((text, i) => {
    const verdict = found[i];
    if (verdict === undefined) return [`${text.name}: no answer`];
    tally.count(`payload JSONTestSuite ${text.expected}`, verdict.code);
    const fault = wrongPayload(text, verdict);
    return fault === undefined ? [] : [`${text.name}: ${fault}`];
  });
  expect(faults).toEqual([]);
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});

test('every hostile body is refused as a frame and as a payload, and nothing is polluted', {
  timeout: 60_000,
}, async () => {
  const cases = bodyCases().filter(
    ({ headers, query, bytes }) => Object.keys(headers).length === 0 && query === '' && bytes.length > 0,
  );
  const frames = cases.flatMap(({ id, bytes }) => [
    { name: `${id} as a frame`, bytes },
    { name: `${id} as a payload`, bytes: asPayload(bytes) },
  ]);
  const found = await verdicts(frames.map(({ bytes }) => bytes));
  const faults = frames.flatMap(({ name }, i) => {
    const code = found[i]?.code ?? 'no answer';
    tally.count('frames and payloads json-bodies', code);
    return REFUSED.has(code) ? [] : [`${name}: ${code}`];
  });
  expect(faults).toEqual([]);
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});

const request = (more: object): string => JSON.stringify({ id: 'r', type: 'account.get', payload: {}, ...more });

/** What a client does wrong, and the close code that tells it so. */
const CLOSES: readonly { readonly what: string; readonly code: number; readonly act: (socket: RawSocket) => void }[] = [
  {
    what: 'a binary frame',
    code: CLOSE_CODES.invalid,
    act: (socket) => socket.send(Buffer.from(request({})), { binary: true }),
  },
  {
    what: 'a frame of 16 KiB and one byte',
    code: CLOSE_CODES.tooBig,
    act: (socket) => socket.send('x'.repeat(16 * 1024 + 1)),
  },
  { what: 'a message in 17 fragments', code: CLOSE_CODES.tooBig, act: sendFragments },
  { what: 'five frames that cannot be read', code: CLOSE_CODES.invalid, act: (socket) => sendTimes(socket, 5, '{') },
  { what: 'a text that is no UTF-8', code: NOT_UTF8, act: (socket) => socket.send(Buffer.from([0x22, 0xff, 0x22])) },
  {
    what: 'a frame that is not masked',
    code: 1002,
    act: (socket) => socket.sendRaw(Buffer.from([0x81, 0x02, 0x7b, 0x7d])),
  },
  {
    what: 'a frame with reserved bits',
    code: 1002,
    act: (socket) => socket.sendRaw(Buffer.from([0xf1, 0x80, 0, 0, 0, 0])),
  },
  {
    what: 'a close frame with a code that does not exist',
    code: 1002,
    act: (socket) => socket.sendRaw(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x00, 0x01])),
  },
];

function sendFragments(socket: RawSocket): void {
  for (let i = 0; i < 16; i++) socket.send('x', { fin: false });
  socket.send('x');
}

function sendTimes(socket: RawSocket, times: number, text: string): void {
  for (let i = 0; i < times; i++) socket.send(text);
}

test('a client that breaks the protocol is told by the documented close code, and nobody else notices', {
  timeout: 60_000,
}, async () => {
  const bystander = await RawSocket.open(watched.url, { token: await newPlayer(caller) });
  for (const { what, code, act } of CLOSES) {
    const socket = await RawSocket.open(watched.url, { token });
    act(socket);
    expect({ what, code: await socket.closed() }).toEqual({ what, code });
    tally.count('bad behaviour', `closed ${code}`);
    bystander.send(request({ id: what }));
    expect(await bystander.next()).toMatchObject({ frame: { id: what, ok: true } });
  }
  await bystander.close();
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});

test('a request that cannot be done is refused and the connection stays', async () => {
  const socket = await RawSocket.open(watched.url, { token });
  const ask = async (text: string): Promise<Verdict> => {
    socket.send(text);
    return verdictOf(await socket.next());
  };
  expect(await ask(request({ type: 'no.such.thing' }))).toMatchObject({ id: 'r', code: 'COMMAND_UNKNOWN' });
  expect(await ask(request({ type: 'constructor' }))).toMatchObject({ id: 'r', code: 'COMMAND_UNKNOWN' });
  expect(await ask(request({ type: '__proto__' }))).toMatchObject({ id: 'r', code: 'COMMAND_UNKNOWN' });
  expect(await ask(request({ type: 'auth.validate_token' }))).toMatchObject({ id: 'r', code: 'COMMAND_UNKNOWN' });
  expect(await ask(request({ type: 'ticket.create', payload: { mode: 'duel' } }))).toMatchObject({
    id: 'r',
    code: 'IDEMPOTENCY_KEY_MISSING',
  });
  expect(await ask(request({ deadlineMs: 0 }))).toMatchObject({ id: 'r', code: 'REQUEST_INVALID' });
  expect(await ask(JSON.stringify({ auth: { ticket: 'a-ticket-that-nobody-needs' } }))).toMatchObject({
    code: 'REQUEST_INVALID',
  });
  socket.send(request({ id: 'twice' }));
  socket.send(request({ id: 'twice' }));
  const answers = [verdictOf(await socket.next()), verdictOf(await socket.next())];
  expect(answers.map(({ code }) => code)).toEqual(['REQUEST_INVALID', 'ok']);
  expect(await ask(request({}))).toMatchObject({ code: 'ok' });
  await socket.close();
});

test('a socket without a ticket is closed: after five seconds, at its first other frame, at a bad ticket', {
  timeout: 20_000,
}, async () => {
  const silent = await RawSocket.open(watched.url);
  const hasty = await RawSocket.open(watched.url);
  hasty.send(request({}));
  expect(await hasty.closed()).toBe(CLOSE_CODES.expired);
  const forged = await RawSocket.open(watched.url);
  forged.send(JSON.stringify({ auth: { ticket: 'x'.repeat(43) } }));
  expect(await forged.closed()).toBe(CLOSE_CODES.expired);
  const startedAt = performance.now();
  expect(await silent.closed()).toBe(CLOSE_CODES.expired);
  expect(performance.now() - startedAt).toBeLessThan(7_000);
});

test('a token in the address lets nobody in', async () => {
  await expect(RawSocket.open(watched.url, { path: `/v1/ws?token=${token}` })).rejects.toThrow(/400/);
  await expect(RawSocket.open(watched.url, { path: `/v1/ws?access_token=${token}`, token })).rejects.toThrow(/400/);
});
