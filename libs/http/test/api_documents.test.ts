import { silentLogger } from '@warren/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiDocuments, createHttpServer, type HttpServer } from '../src/index.ts';

const DOCUMENTS: ApiDocuments = {
  openapi: { openapi: '3.1.0', info: { title: 'T', version: '1', description: 'D' }, paths: {}, components: {} },
  asyncapi: { asyncapi: '3.0.0', info: { title: 'A', version: '1' } },
  page: '<!doctype html><link rel="stylesheet" href="/docs/asyncapi.css"><p>sockets</p>',
  styles: 'p { color: red; }',
};
let server: HttpServer;

beforeAll(async () => {
  server = await createHttpServer({ host: '127.0.0.1', port: 0, logger: silentLogger() });
  server.documents(DOCUMENTS);
  await server.listen();
});

afterAll(async () => {
  await server.close();
});

test('The documents are served as they were given', async () => {
  expect(await (await fetch(`${server.url}/openapi.json`)).json()).toEqual(DOCUMENTS.openapi);
  expect(await (await fetch(`${server.url}/asyncapi.json`)).json()).toEqual(DOCUMENTS.asyncapi);
});

test('The page on which calls can be tried and its parts are served under its own content policy', async () => {
  const page = await fetch(`${server.url}/docs`);
  expect([page.status, (await page.text()).includes('swagger-ui')]).toEqual([200, true]);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  const script = await fetch(`${server.url}/docs/static/swagger-ui-bundle.js`);
  expect([script.status, (await script.text()).length > 1000]).toEqual([200, true]);
});

test('The page of the WebSockets may load its style sheet and nothing else, and no script runs on it', async () => {
  const page = await fetch(`${server.url}/docs/asyncapi`);
  expect([page.status, page.headers.get('content-type'), await page.text()]).toEqual([
    200,
    'text/html; charset=utf-8',
    DOCUMENTS.page,
  ]);
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'; style-src 'self';");
  expect(policy).not.toContain('unsafe-inline');
  const styles = await fetch(`${server.url}/docs/asyncapi.css`);
  expect([styles.status, styles.headers.get('content-type'), await styles.text()]).toEqual([
    200,
    'text/css; charset=utf-8',
    DOCUMENTS.styles,
  ]);
});

test('A document takes GET alone, and says so', async () => {
  const refused = await fetch(`${server.url}/asyncapi.json`, { method: 'POST' });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET']);
});
