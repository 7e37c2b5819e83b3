import { connect } from 'node:net';
import { silentLogger } from '@warren/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHttpServer, type HttpServer } from '../src/index.ts';

let server: HttpServer;

beforeAll(async () => {
  server = await createHttpServer({ host: '127.0.0.1', port: 0, logger: silentLogger() });
  server.route({ method: 'GET', path: '/v1/here', handle: async () => ({ status: 200, body: {} }) });
  await server.listen();
});

afterAll(async () => {
  await server.close();
});

/** Sends bytes as they are and collects what comes back until the server closes. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // cut off while it was still sending: what was answered before counts
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(text));
  });
}

test.each([
  ['are no HTTP', 'NONSENSE\r\n\r\n', 400],
  ['have two lengths', 'POST /v1/here HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
  [
    'have a length and chunks',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  ['have headers without end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
])('Bytes that %s are answered with one problem and the connection is closed', async (_title, bytes, status) => {
  const answer = await raw(bytes);
  expect(answer.match(/HTTP\/1\.1 /g)?.length).toBe(1);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain('urn:warren:error:REQUEST_INVALID');
});

test('A client that sends thousands of requests without reading an answer is cut off', async () => {
  const one = 'GET /v1/here HTTP/1.1\r\nHost: x\r\n\r\n';
  const answers = (await raw(one.repeat(5_000))).match(/HTTP\/1\.1 /g)?.length ?? 0;
  expect(answers).toBeLessThanOrEqual(64);
  const few = await raw(one.repeat(63) + one.replace('Host', 'Connection: close\r\nHost'));
  expect(few.match(/HTTP\/1\.1 200 /g)).toHaveLength(64);
});

test('Headers and bodies that never end are cut off after some seconds', { timeout: 30_000 }, async () => {
  const startedAt = performance.now();
  const head = raw('GET / HTTP/1.1\r\nHost: x\r\n');
  const body = raw(
    'POST /v1/here HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
  );
  expect(await head).toMatch(/^HTTP\/1\.1 408 /);
  expect(performance.now() - startedAt).toBeLessThan(9_000);
  await body;
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});
