import { CONTRACTS } from '@warren/contracts';
import { silentLogger } from '@warren/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpServer, type HttpServer, openApiOf } from '../src/index.ts';

const INFO = { title: 'T', version: '1', description: 'D' };
let server: HttpServer;

beforeAll(async () => {
  server = await createHttpServer({ host: '127.0.0.1', port: 0, logger: silentLogger() });
  server.documents(INFO, CONTRACTS, []);
  await server.listen();
});

afterAll(async () => {
  await server.close();
});

test('The API documents list every public route and none that is internal', async () => {
  const document = openApiOf(INFO, CONTRACTS, []);
  expect(await (await fetch(`${server.url}/openapi.json`)).json()).toEqual(JSON.parse(JSON.stringify(document)));
  const routed = CONTRACTS.flatMap(({ exposure, http }) => (exposure === 'public' && http !== undefined ? [http] : []));
  const found = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(found.sort()).toEqual(routed.map(({ method, path }) => `${method.toLowerCase()} ${path}`).sort());
});

test('An operation says who may call it, what it takes and every way in which it ends', () => {
  const { paths } = openApiOf(INFO, CONTRACTS, []);
  expect(paths['/v1/tickets']?.['post']).toMatchObject({
    operationId: 'coordinator_create_ticket',
    security: [{ player: [] }],
  });
  expect(paths['/v1/auth/login']?.['post']).toMatchObject({ security: [] });
  expect(paths['/v1/auth/register']?.['post']).toMatchObject({
    parameters: [
      { name: 'Idempotency-Key', required: true },
      { name: 'Warren-Device-Nonce', required: true },
    ],
    requestBody: {
      content: {
        'application/json': {
          schema: { additionalProperties: false, required: ['login', 'password', 'display_name'] },
        },
      },
    },
    responses: {
      201: {
        content: { 'application/json': { schema: { properties: { account_id: { type: 'string', format: 'uuid' } } } } },
      },
    },
  });
  expect(paths['/v1/auth/register']?.['post']).toHaveProperty('responses.409');
  expect(paths['/v1/matches/{game_id}']?.['get']).toMatchObject({
    parameters: [{ name: 'game_id', in: 'path', required: true }],
  });
});

test('The page of the documents and its parts are served under its own content policy', async () => {
  const page = await fetch(`${server.url}/docs`);
  expect([page.status, (await page.text()).includes('swagger-ui')]).toEqual([200, true]);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  const script = await fetch(`${server.url}/docs/static/swagger-ui-bundle.js`);
  expect([script.status, (await script.text()).length > 1000]).toEqual([200, true]);
});
