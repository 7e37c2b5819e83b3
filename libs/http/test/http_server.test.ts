import { COMMON_ERRORS, type Contract, defineContract, Problem } from '@warren/contracts';
import { AppError, currentContext, silentLogger } from '@warren/kernel';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod';
import {
  type CallerInfo,
  type CallPort,
  createHttpServer,
  type HttpServer,
  type HttpServerDeps,
  validateStrictly,
} from '../src/index.ts';

const ECHO = defineContract({
  name: 'auth.echo_text',
  summary: 'Says it again.',
  exposure: 'public',
  access: { kind: 'anonymous' },
  http: { method: 'POST', path: '/v1/echo/{room}', status: 201 },
  dto: z.object({
    room: z.string().max(10),
    text: z.string().default('hi'),
    inner: z.object({ n: z.int() }).optional(),
  }),
  reply: z.object({}),
  errors: {},
  idempotency: 'read',
  limits: { maxBytes: 256 },
});

const FIND = defineContract({
  name: 'auth.find_rooms',
  summary: 'Finds rooms.',
  exposure: 'public',
  access: { kind: 'anonymous' },
  http: { method: 'GET', path: '/v1/rooms', status: 200 },
  dto: z.object({
    limit: z.int().max(10).default(5),
    open: z.boolean().optional(),
    tag: z.array(z.string()).default([]),
  }),
  reply: z.object({}),
  errors: {},
  idempotency: 'read',
});

const HIDDEN = defineContract({
  ...ECHO,
  name: 'auth.hidden',
  exposure: 'internal',
  http: { method: 'POST', path: '/v1/hidden', status: 200 },
});

class EchoPort implements CallPort {
  readonly callers: CallerInfo[] = [];
  refusal: Error | undefined;
  trace: string | undefined;

  async admit(contract: Contract, caller: CallerInfo) {
    this.callers.push(caller);
    if (this.refusal !== undefined) throw this.refusal;
    return {
      call: async (input: unknown) => {
        this.trace = currentContext()?.trace.traceId;
        return validateStrictly(contract, input);
      },
    };
  }
}

const open: HttpServer[] = [];

async function start(port: CallPort = new EchoPort(), more: Partial<HttpServerDeps> = {}): Promise<HttpServer> {
  const server = await createHttpServer({ host: '127.0.0.1', port: 0, logger: silentLogger(), ...more });
  server.contractRoutes([ECHO, FIND, HIDDEN], port);
  open.push(server);
  await server.listen();
  return server;
}

afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

const post = (server: HttpServer, body: string | Buffer, headers: Record<string, string> = {}) =>
  fetch(`${server.url}/v1/echo/blue`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const problem = Problem.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(response.headers.get('traceparent')).toContain(problem.traceId);
  return problem;
}

test('A route of a contract joins path and body, applies defaults and answers with the status of the contract', async () => {
  const response = await post(await start(), '{"inner":{"n":1}}');
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({ room: 'blue', text: 'hi', inner: { n: 1 } });
  expect(response.headers.get('x-powered-by')).toBeNull();
  expect(response.headers.get('x-content-type-options')).toBe('nosniff');
});

test('A trace that comes in goes on inside the call and comes back', async () => {
  const port = new EchoPort();
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const response = await post(await start(port), '{}', { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
  expect(response.headers.get('traceparent')).toMatch(
    new RegExp(`^00-${traceId}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`),
  );
  expect(port.trace).toBe(traceId);
});

test('Headers of the caller reach the port', async () => {
  const port = new EchoPort();
  await post(await start(port), '{}', {
    authorization: 'Bearer abc.def',
    'idempotency-key': 'key-12345',
    'warren-device-nonce': 'nonce-1',
  });
  expect(port.callers).toEqual([
    { address: '127.0.0.1', bearer: 'abc.def', idempotencyKey: 'key-12345', deviceNonce: 'nonce-1' },
  ]);
});

test('An Authorization header that is no Bearer token is told apart from none', async () => {
  const port = new EchoPort();
  await post(await start(port), '{}', { authorization: 'Basic dTpw' });
  expect(port.callers[0]?.bearer).toBe('');
});

test('X-Forwarded-For counts only from a proxy of the trust list', async () => {
  const [plain, trusting] = [new EchoPort(), new EchoPort()];
  await post(await start(plain), '{}', { 'x-forwarded-for': '203.0.113.9' });
  await post(await start(trusting, { trustProxy: ['127.0.0.1'] }), '{}', {
    'x-forwarded-for': '198.51.100.1, 203.0.113.9',
  });
  expect([plain.callers[0]?.address, trusting.callers[0]?.address]).toEqual(['127.0.0.1', '203.0.113.9']);
});

test('Unknown keys are refused by name at every depth', async () => {
  const problem = await problemOf(await post(await start(), '{"x":1,"inner":{"n":1,"y":2}}'));
  expect(problem).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
  expect(problem.fields?.map((field) => field.path).sort()).toEqual(['inner.y', 'x']);
});

test('A body that contradicts the address is refused', async () => {
  const problem = await problemOf(await post(await start(), '{"room":"red"}'));
  expect(problem.fields).toEqual([{ path: 'room', message: 'differs from the address' }]);
});

test('A query is coerced for GET and refused elsewhere', async () => {
  const server = await start();
  const found = await fetch(`${server.url}/v1/rooms?limit=7&open=true&tag=a`);
  expect(await found.json()).toEqual({ limit: 7, open: true, tag: ['a'] });
  const wrong = await problemOf(await fetch(`${server.url}/v1/rooms?limit=many`));
  expect(wrong.fields?.[0]?.path).toBe('limit');
  const token = await fetch(`${server.url}/v1/echo/blue?token=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  expect((await problemOf(token)).fields?.[0]?.path).toBe('token');
});

test.each([
  ['text/plain', {}],
  ['application/json; charset=utf-7', {}],
  ['application/xml', {}],
  ['application/json', { 'content-encoding': 'gzip' }],
])('A body of %s %j is refused with 415', async (type, headers) => {
  const problem = await problemOf(await post(await start(), '{}', { 'content-type': type, ...headers }));
  expect(problem).toMatchObject({ status: 415, code: 'REQUEST_MEDIA_UNSUPPORTED' });
});

test('application/json with charset utf-8 and an empty body are both taken', async () => {
  const server = await start();
  expect((await post(server, '{}', { 'content-type': 'application/json; charset=UTF-8' })).status).toBe(201);
  expect((await post(server, '')).status).toBe(201);
});

test.each([
  ['{', 'not JSON'],
  ['[]', 'no object'],
  [`${'['.repeat(40)}${']'.repeat(40)}`, 'too deep'],
  ['{"__proto__":{"role":"admin"}}', 'a forbidden key'],
  ['{"text":"\\u0000"}', 'U+0000'],
  ['{"text":"\\ud800"}', 'half a surrogate pair'],
])('A body %s (%s) is refused with 400', async (body) => {
  expect(await problemOf(await post(await start(), body))).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
});

test('Bytes that are not UTF-8 are refused with 400', async () => {
  expect(await problemOf(await post(await start(), Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])))).toMatchObject({
    status: 400,
  });
});

test('A body above the limit of the contract is refused with 413', async () => {
  const body = JSON.stringify({ text: 'x'.repeat(300) });
  expect(await problemOf(await post(await start(), body))).toMatchObject({ status: 413, code: 'REQUEST_TOO_LARGE' });
});

test('A caller that is not admitted is refused before its body is looked at', async () => {
  const port = new EchoPort();
  port.refusal = new AppError('RATE_LIMITED', 'Slow down.', {
    kind: 'rate_limited',
    retryable: true,
    retryAfterSeconds: 7,
  });
  const response = await post(await start(port), 'not json at all');
  expect(response.headers.get('retry-after')).toBe('7');
  expect(await problemOf(response)).toMatchObject({
    status: 429,
    code: 'RATE_LIMITED',
    detail: 'Slow down.',
    retryable: true,
  });
});

test('What nobody foresaw leaves as SERVICE_INTERNAL without a detail', async () => {
  const port = new EchoPort();
  port.refusal = new Error('SELECT secret FROM 10.0.0.1');
  const response = await post(await start(port), '{}');
  const text = await response.clone().text();
  expect(await problemOf(response)).toMatchObject({
    status: 500,
    code: 'SERVICE_INTERNAL',
    detail: COMMON_ERRORS.SERVICE_INTERNAL.message,
  });
  expect(text).not.toMatch(/SELECT|10\.0\.0\.1|stack/);
});

test('Unknown addresses, wrong methods and internal contracts answer problems', async () => {
  const server = await start();
  expect(await problemOf(await fetch(`${server.url}/nothing`))).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' });
  expect(await problemOf(await fetch(`${server.url}/v1/hidden`, { method: 'POST' }))).toMatchObject({ status: 404 });
  expect(await problemOf(await fetch(`${server.url}/%E0%A4%A`))).toMatchObject({
    status: 400,
    code: 'REQUEST_INVALID',
  });
  const wrongMethod = await fetch(`${server.url}/v1/echo/blue`);
  expect(wrongMethod.headers.get('allow')).toBe('POST');
  expect(await problemOf(wrongMethod)).toMatchObject({ status: 405 });
});

test('Origins of the allow list may call from pages, others may not', async () => {
  const server = await start(new EchoPort(), { allowedOrigins: ['https://game.example'] });
  const preflight = (origin: string) =>
    fetch(`${server.url}/v1/echo/blue`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    });
  expect((await preflight('https://game.example')).headers.get('access-control-allow-origin')).toBe(
    'https://game.example',
  );
  expect((await preflight('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull();
});

test('Closing answers the request that is running', async () => {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let reached = (): void => undefined;
  const started = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const server = await start({
    admit: async () => ({
      call: async () => {
        reached();
        await gate;
        return { done: true };
      },
    }),
  });
  const response = post(server, '{}');
  await started;
  server.stopAccepting();
  const closing = server.close();
  letGo();
  expect((await response).status).toBe(201);
  await closing;
});
