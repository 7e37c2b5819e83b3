import { CREATE_TICKET, GET_ACCOUNT, Problem, REGISTER, REPORT_HEARTBEAT, REPORT_JOIN } from '@warren/contracts';
import { AppError } from '@warren/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { GatewayHarness, type TestGateway } from './gateway_harness.ts';
import { sampleTicket } from './sample_replies.ts';

let harness: GatewayHarness;
let gateway: TestGateway;

beforeAll(async () => {
  harness = await GatewayHarness.create();
  gateway = await harness.gateway();
});

afterAll(async () => {
  await harness.close();
});

const PLAYER = '11111111-1111-4111-8111-111111111111';

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gateway.url + path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const problemOf = async (response: Response) => Problem.parse(await response.json());

test('A command goes to its service with actor, roles and a message id, and its reply comes back with the status of the contract', async () => {
  const token = harness.playerToken(PLAYER);
  const response = await post('/v1/tickets', { mode: 'duel' }, { ...bearer(token), 'idempotency-key': 'ticket-0001' });
  expect([response.status, await response.json()]).toEqual([201, sampleTicket]);
  const sent = harness.requests.at(-1);
  expect(sent).toMatchObject({ name: CREATE_TICKET.name, dto: { mode: 'duel', client_tag: '' } });
  expect(sent?.headers).toMatchObject({ 'warren-actor': `player:${PLAYER}`, 'warren-roles': 'player' });
  await post(
    '/v1/tickets',
    { mode: 'duel' },
    { ...bearer(harness.playerToken(PLAYER)), 'idempotency-key': 'ticket-0001' },
  );
  expect(harness.requests.at(-1)?.messageId).toBe(sent?.messageId);
});

test('The trace of the request is the trace of the message', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await fetch(`${gateway.url}/v1/me`, {
    headers: { ...bearer(harness.playerToken()), traceparent: `00-${traceId}-b7ad6b7169203331-01` },
  });
  expect(harness.requests.at(-1)).toMatchObject({ name: GET_ACCOUNT.name });
  expect(String(harness.requests.at(-1)?.headers['traceparent'])).toContain(traceId);
});

test('Errors of a service keep their code, status and retryable', async () => {
  harness.answer(GET_ACCOUNT, () => {
    throw new AppError('AUTH_ACCOUNT_NOT_FOUND', 'There is no such account.', { kind: 'not_found' });
  });
  const response = await fetch(`${gateway.url}/v1/me`, { headers: bearer(harness.playerToken()) });
  expect(await problemOf(response)).toMatchObject({ status: 404, code: 'AUTH_ACCOUNT_NOT_FOUND', retryable: false });
  harness.answerAsUsual(GET_ACCOUNT);
});

test('Nothing is sent for callers without a token, with a bad one, or of the wrong kind', async () => {
  const before = harness.requests.length;
  const me = (headers: Record<string, string>) => fetch(`${gateway.url}/v1/me`, { headers });
  const missing = await me({});
  expect(missing.headers.get('www-authenticate')).toBe('Bearer');
  expect(await problemOf(missing)).toMatchObject({ status: 401, code: 'ACCESS_UNAUTHENTICATED' });
  expect(await problemOf(await me(bearer('nonsense')))).toMatchObject({ status: 401, code: 'ACCESS_UNAUTHENTICATED' });
  expect(await problemOf(await me({ authorization: 'Basic abc' }))).toMatchObject({ status: 401 });
  expect(await problemOf(await me(bearer(harness.serverToken())))).toMatchObject({
    status: 403,
    code: 'ACCESS_FORBIDDEN',
  });
  const asServer = await post('/v1/servers/heartbeat', { cpu: 0, ram: 0, games: [] }, bearer(harness.playerToken()));
  expect(await problemOf(asServer)).toMatchObject({ status: 403 });
  expect(harness.requests.length).toBe(before);
});

test('A game server is known by its instance id', async () => {
  const game = '22222222-2222-4222-8222-222222222222';
  const response = await post(
    `/v1/servers/matches/${game}/join`,
    { player_id: PLAYER },
    bearer(harness.serverToken('eu-9')),
  );
  expect(response.status).toBe(200);
  expect(harness.requests.at(-1)).toMatchObject({
    name: REPORT_JOIN.name,
    dto: { game_id: game, player_id: PLAYER },
    headers: { 'warren-actor': 'server:eu-9' },
  });
});

test('A heartbeat may be larger than other requests', async () => {
  const games = Array.from({ length: 600 }, (_, i) => `22222222-2222-4222-8222-${String(i).padStart(12, '0')}`);
  expect(
    (await post('/v1/servers/heartbeat', { cpu: 0.5, ram: 0.5, games }, bearer(harness.serverToken()))).status,
  ).toBe(200);
  expect(harness.requests.at(-1)?.name).toBe(REPORT_HEARTBEAT.name);
});

test('Keys are needed where replies are stored', async () => {
  const token = bearer(harness.playerToken());
  expect(await problemOf(await post('/v1/tickets', { mode: 'duel' }, token))).toMatchObject({
    status: 400,
    code: 'IDEMPOTENCY_KEY_MISSING',
  });
  const register = { login: 'somebody', password: 'correct horse', display_name: 'S' };
  const noNonce = await post('/v1/auth/register', register, { 'idempotency-key': 'register-1' });
  expect(await problemOf(noNonce)).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_MISSING' });
  const done = await post('/v1/auth/register', register, {
    'idempotency-key': 'register-1',
    'warren-device-nonce': 'device-0001',
  });
  expect(done.status).toBe(201);
  expect(harness.requests.at(-1)).toMatchObject({ name: REGISTER.name, headers: { 'warren-actor': 'anonymous' } });
});

test('An unknown field is refused by name and nothing is sent', async () => {
  const before = harness.requests.length;
  const response = await post(
    '/v1/tickets',
    { mode: 'duel', admin: true },
    { ...bearer(harness.playerToken()), 'idempotency-key': 'ticket-0002' },
  );
  expect((await problemOf(response)).fields).toEqual([{ path: 'admin', message: 'is not a known field' }]);
  expect(harness.requests.length).toBe(before);
});

test('A service that takes longer than the deadline answers SERVICE_TIMEOUT', { timeout: 20_000 }, async () => {
  harness.answer(GET_ACCOUNT, () => new Promise(() => undefined));
  const response = await fetch(`${gateway.url}/v1/me`, { headers: bearer(harness.playerToken()) });
  expect(await problemOf(response)).toMatchObject({ status: 504, code: 'SERVICE_TIMEOUT', retryable: true });
  harness.answerAsUsual(GET_ACCOUNT);
});

test('The rate of a contract is kept over all gateways and told with Retry-After', async () => {
  const strict = await harness.gateway({ rateLimitFactor: 0.1 });
  const second = await harness.gateway({ rateLimitFactor: 0.1 });
  const call = (at: TestGateway) =>
    fetch(`${at.url}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"login":"a","password":"b"}',
    });
  const first = await Promise.all([call(strict), call(second), call(strict)]);
  expect(first.map((response) => response.status)).toEqual([200, 200, 200]);
  const refused = await call(second);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await problemOf(refused)).toMatchObject({ status: 429, code: 'RATE_LIMITED', retryable: true });
});

test('The keys are published for everybody', async () => {
  const response = await fetch(`${gateway.url}/.well-known/jwks.json`);
  expect(response.headers.get('cache-control')).toBe('public, max-age=60');
  expect(await response.json()).toMatchObject({ keys: [{ kid: 'k1', alg: 'ES256' }] });
});

test('The API documents name the routes of the gateway itself too', async () => {
  const document: unknown = await (await fetch(`${gateway.url}/openapi.json`)).json();
  const routes = ['/v1/ws-tickets', '/.well-known/jwks.json', '/v1/tickets'];
  for (const route of routes) expect(document).toHaveProperty(['paths', route]);
});
