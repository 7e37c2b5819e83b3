import { randomUUID } from 'node:crypto';
import { CREATE_TICKET, GET_ACCOUNT, MAX_FRAGMENTS } from '@warren/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GatewayHarness, type TestGateway } from './gateway_harness.ts';
import { sampleTicket } from './sample_replies.ts';
import { TestSocket } from './test_socket.ts';

let harness: GatewayHarness;
let gateway: TestGateway;

beforeAll(async () => {
  harness = await GatewayHarness.create();
  gateway = await harness.gateway();
});

afterAll(async () => {
  await harness.close();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('A ticket opens one socket and no second one', async () => {
  const ticket = await harness.ticket(gateway, harness.playerToken());
  const first = await TestSocket.open(gateway);
  first.send({ auth: { ticket } });
  expect(await first.next((frame) => 'welcome' in frame)).toMatchObject({
    welcome: { lastSeq: 0, heartbeatMs: 15_000 },
  });
  const second = await TestSocket.open(gateway);
  second.send({ auth: { ticket } });
  expect(await second.closed).toBe(4401);
  first.ws.terminate();
});

test('A ticket that nobody issued, or another first frame, closes with 4401', async () => {
  const invented = await TestSocket.open(gateway);
  invented.send({ auth: { ticket: 'x'.repeat(43) } });
  const hasty = await TestSocket.open(gateway);
  hasty.send({ id: '1', type: 'account.get' });
  expect(await Promise.all([invented.closed, hasty.closed])).toEqual([4401, 4401]);
});

test('A socket that shows no ticket is closed after the deadline', async () => {
  const startedAt = performance.now();
  const silent = await TestSocket.open(gateway);
  expect(await silent.closed).toBe(4401);
  expect(performance.now() - startedAt).toBeLessThan(4_000);
});

test('An Authorization header opens a socket without a ticket, and a bad one is refused before the upgrade', async () => {
  const socket = await TestSocket.open(gateway, '/v1/ws', {
    headers: { authorization: `Bearer ${harness.playerToken()}` },
  });
  await socket.next((frame) => 'welcome' in frame);
  socket.ws.terminate();
  await expect(TestSocket.open(gateway, '/v1/ws', { headers: { authorization: 'Bearer bad' } })).rejects.toThrow('401');
});

test('A player is not let in at the door of game servers, nor the other way round', async () => {
  for (const [path, token] of [
    ['/v1/servers/ws', harness.playerToken()] as const,
    ['/v1/ws', harness.serverToken('eu-7')] as const,
  ]) {
    const socket = await TestSocket.open(gateway, path);
    socket.send({ auth: { ticket: await harness.ticket(gateway, token) } });
    expect(await socket.closed).toBe(4403);
  }
});

test('A request runs through the same pipeline as over HTTP, with the same message id for the same key', async () => {
  const id = randomUUID();
  const socket = await harness.connect(gateway, harness.playerToken(id));
  expect(await socket.request('1', 'ticket.create', { mode: 'duel' }, 'ws-key-0001')).toEqual({
    id: '1',
    ok: true,
    payload: sampleTicket,
  });
  const overSocket = harness.requests.at(-1);
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${harness.playerToken(id)}`,
    'idempotency-key': 'ws-key-0001',
  };
  await fetch(`${gateway.url}/v1/tickets`, { method: 'POST', headers, body: '{"mode":"duel"}' });
  expect(harness.requests.at(-1)).toMatchObject({ name: CREATE_TICKET.name, messageId: overSocket?.messageId });
  socket.ws.terminate();
});

test('Requests that cannot be served are answered under their id with an error', async () => {
  const socket = await harness.connect(gateway, harness.playerToken());
  expect(await socket.request('1', 'nothing.here')).toMatchObject({
    ok: false,
    error: { code: 'COMMAND_UNKNOWN', retryable: false },
  });
  expect(await socket.request('2', '__proto__')).toMatchObject({ ok: false, error: { code: 'COMMAND_UNKNOWN' } });
  expect(await socket.request('3', 'auth.validate_token', { token: 'x' })).toMatchObject({
    ok: false,
    error: { code: 'COMMAND_UNKNOWN' },
  });
  expect(await socket.request('4', 'ticket.create', { mode: 'duel' })).toMatchObject({
    ok: false,
    error: { code: 'IDEMPOTENCY_KEY_MISSING' },
  });
  const unknown = await socket.request('5', 'ticket.create', { mode: 'duel', x: 1 }, 'key-00005');
  expect(unknown).toMatchObject({ ok: false, error: { code: 'REQUEST_INVALID', fields: [{ path: 'x' }] } });
  socket.ws.terminate();
});

test('Requests under way are bounded, and an id is used once at a time', async () => {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  harness.answer(GET_ACCOUNT, () => gate.then(() => undefined));
  const socket = await harness.connect(gateway, harness.playerToken());
  for (let i = 0; i < 16; i++) socket.send({ id: `r${i}`, type: 'account.get', deadlineMs: 1_000 });
  socket.send({ id: 'r0', type: 'account.get' });
  const again = await socket.next((frame) => 'id' in frame && frame.id === 'r0');
  expect(again).toMatchObject({ ok: false, error: { code: 'REQUEST_INVALID' } });
  expect(await socket.request('r16', 'account.get')).toMatchObject({
    ok: false,
    error: { code: 'SERVICE_OVERLOADED', retryable: true },
  });
  const late = await socket.next((frame) => 'id' in frame && frame.id === 'r1');
  expect(late).toMatchObject({ ok: false, error: { code: 'SERVICE_TIMEOUT', retryable: true } });
  letGo();
  harness.answerAsUsual(GET_ACCOUNT);
  socket.ws.terminate();
});

test('A game server calls its commands by name', async () => {
  const socket = await harness.connect(gateway, harness.serverToken('eu-3'), '/v1/servers/ws');
  expect(await socket.request('1', 'allocator.report_heartbeat', { cpu: 0, ram: 0, games: [] })).toMatchObject({
    ok: true,
  });
  expect(harness.requests.at(-1)?.headers['warren-actor']).toBe('server:eu-3');
  expect(await socket.request('2', 'account.get')).toMatchObject({ ok: false, error: { code: 'COMMAND_UNKNOWN' } });
  socket.ws.terminate();
});

test('Frames that cannot be read are answered, and too many of them close with 4400', async () => {
  const socket = await harness.connect(gateway, harness.playerToken());
  socket.send('{');
  expect(await socket.next((frame) => 'error' in frame && !('id' in frame))).toMatchObject({
    error: { code: 'REQUEST_INVALID' },
  });
  for (let i = 0; i < 4; i++) socket.send({ what: i });
  expect(await socket.closed).toBe(4400);
  const binary = await harness.connect(gateway, harness.playerToken());
  binary.ws.send(Buffer.from('{}'));
  expect(await binary.closed).toBe(4400);
});

test('Fragments, size and rate have bounds with codes of their own', async () => {
  const connect = () => harness.connect(gateway, harness.playerToken());
  const [fragments, size, messages, pings] = [await connect(), await connect(), await connect(), await connect()];
  for (let i = 0; i <= MAX_FRAGMENTS; i++) fragments.ws.send('x', { fin: false });
  size.ws.send('x'.repeat(20_000));
  for (let i = 0; i < 200; i++) messages.send({ ack: 0 });
  for (let i = 0; i < 200; i++) pings.ws.ping();
  expect(await Promise.all([fragments, size, messages, pings].map((socket) => socket.closed))).toEqual([
    4413, 4413, 4429, 4429,
  ]);
});

test('A socket ends when its token does', async () => {
  const socket = await harness.connect(gateway, harness.playerToken(randomUUID(), 2));
  expect(await socket.closed).toBe(4401);
});

test('A newer connection of the same player takes over, on the same gateway and on another', async () => {
  const id = randomUUID();
  const other = await harness.gateway();
  const first = await harness.connect(gateway, harness.playerToken(id));
  const second = await harness.connect(gateway, harness.playerToken(id));
  expect(await first.closed).toBe(4409);
  const third = await harness.connect(other, harness.playerToken(id));
  expect(await second.closed).toBe(4409);
  expect(third.welcome.session).toBe(first.welcome.session);
  expect(await third.request('1', 'account.get')).toMatchObject({ ok: true });
  third.ws.terminate();
});

test('Origins are checked against the list', async () => {
  const picky = await harness.gateway({ allowedOrigins: ['https://game.example'] });
  await expect(TestSocket.open(picky, '/v1/ws', { origin: 'https://evil.example' })).rejects.toThrow('403');
  const socket = await TestSocket.open(picky, '/v1/ws', { origin: 'https://game.example' });
  socket.ws.terminate();
});

test('Sockets without a ticket are bounded; a place is free again when one ends', async () => {
  const small = await harness.gateway({ sockets: { maxUnauthenticated: 4, authDeadlineMs: 60_000 } });
  const waiting = [await TestSocket.open(small), await TestSocket.open(small)];
  await expect(TestSocket.open(small)).rejects.toThrow('503');
  waiting[0]?.ws.close();
  await waiting[0]?.closed;
  const next = await TestSocket.open(small);
  next.send({ auth: { ticket: await harness.ticket(small, harness.playerToken()) } });
  await next.next((frame) => 'welcome' in frame);
  const after = await TestSocket.open(small);
  for (const socket of [...waiting, next, after]) socket.ws.terminate();
});

test('A gateway that stops answers what is under way, says when to come back, and closes with 1012', async () => {
  const leaving = await harness.gateway();
  harness.answer(GET_ACCOUNT, () => sleep(300).then(() => undefined));
  const socket = await harness.connect(leaving, harness.playerToken());
  socket.send({ id: 'last', type: 'account.get' });
  await sleep(100);
  harness.answerAsUsual(GET_ACCOUNT);
  const closing = leaving.close();
  const goodbye = await socket.next((frame) => 'goodbye' in frame);
  const wait = 'goodbye' in goodbye ? goodbye.goodbye.reconnectAfterMs : 0;
  expect([wait >= 500, wait <= 5_000]).toEqual([true, true]);
  expect(await socket.next((frame) => 'id' in frame && frame.id === 'last')).toMatchObject({ id: 'last' });
  expect(await socket.closed).toBe(1012);
  await closing;
});
