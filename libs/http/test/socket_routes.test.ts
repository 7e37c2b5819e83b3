import { MAX_FRAGMENTS, MAX_FRAME_BYTES, Problem, SUBPROTOCOL } from '@warren/contracts';
import { AppError, silentLogger } from '@warren/kernel';
import { afterEach, expect, test } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { createHttpServer, type HttpServer, type ServerSocket, textFrame } from '../src/index.ts';

const open: HttpServer[] = [];
const accepted: ServerSocket[] = [];

afterEach(async () => {
  accepted.splice(0);
  for (const server of open.splice(0)) await server.close();
});

/** A server whose socket says everything back twice. */
async function start(heartbeatMs = 15_000): Promise<HttpServer> {
  const deps = {
    host: '127.0.0.1',
    port: 0,
    logger: silentLogger(),
    allowedOrigins: ['https://game.example'],
    heartbeatMs,
  };
  const server = await createHttpServer(deps);
  server.socket({
    path: '/v1/ws',
    admit: async (caller) => {
      if (caller.bearer === 'bad') throw new AppError('ACCESS_UNAUTHENTICATED', 'No.', { kind: 'unauthenticated' });
      return caller;
    },
    open: (socket) => {
      accepted.push(socket);
      socket.listen({
        message: (data) => {
          socket.send(textFrame(data.toString()));
          socket.send(textFrame(data.toString()));
        },
        ping: () => undefined,
        closed: () => undefined,
      });
    },
  });
  open.push(server);
  await server.listen();
  return server;
}

interface Opened {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
}

interface Dial {
  readonly options?: ClientOptions;
  readonly protocols?: string[];
  readonly path?: string;
}

function dial(
  server: HttpServer,
  { options = {}, protocols = [SUBPROTOCOL], path = '/v1/ws' }: Dial = {},
): Promise<Opened> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, protocols, options);
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve({ socket, closed }));
    socket.on('error', reject);
    socket.on('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (data: Buffer) => {
        body += data.toString();
      });
      response.on('end', () => reject(new Error(`${response.statusCode} ${Problem.parse(JSON.parse(body)).code}`)));
    });
  });
}

test('A socket with the subprotocol opens, without compression, and frames of every length arrive whole', async () => {
  const { socket } = await dial(await start(), { options: { perMessageDeflate: true } });
  expect([socket.protocol, socket.extensions]).toEqual([SUBPROTOCOL, '']);
  const texts: string[] = [];
  const done = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      if (texts.push(data.toString()) === 6) resolve();
    });
  });
  const sent = ['é', 'x'.repeat(126), 'y'.repeat(16_000)];
  for (const text of sent) socket.send(text);
  await done;
  expect(texts).toEqual(sent.flatMap((text) => [text, text]));
  expect(textFrame('z'.repeat(70_000)).readBigUInt64BE(2)).toBe(70_000n);
  socket.terminate();
});

const FOREIGN = '403 ACCESS_FORBIDDEN';

test.each([
  ['another subprotocol', { protocols: ['other'] }, '400 REQUEST_INVALID'],
  ['no subprotocol', { protocols: [] }, '400 REQUEST_INVALID'],
  ['a foreign origin', { options: { origin: 'https://evil.example' } }, FOREIGN],
  ['an origin that only begins like ours', { options: { origin: 'https://game.example.evil.example' } }, FOREIGN],
  ['the origin null', { options: { origin: 'null' } }, FOREIGN],
  ['the origin in other letters', { options: { origin: 'HTTPS://GAME.EXAMPLE' } }, FOREIGN],
  ['the origin with a port', { options: { origin: 'https://game.example:444' } }, FOREIGN],
  ['the origin over http', { options: { origin: 'http://game.example' } }, FOREIGN],
  ['a token in the address', { path: '/v1/ws?token=abc' }, '400 REQUEST_INVALID'],
  ['a token that is refused', { options: { headers: { authorization: 'Bearer bad' } } }, '401 ACCESS_UNAUTHENTICATED'],
  ['an address without sockets', { path: '/v1/other' }, '404 ROUTE_NOT_FOUND'],
])('An upgrade with %s is refused', async (_name, how: Dial, expected) => {
  await expect(dial(await start(), how)).rejects.toThrow(expected);
});

test('An allowed origin may connect', async () => {
  const { socket } = await dial(await start(), { options: { origin: 'https://game.example' } });
  socket.terminate();
});

test('A message above the limit closes with 4413', async () => {
  const { socket, closed } = await dial(await start());
  socket.send('x'.repeat(MAX_FRAME_BYTES + 1));
  expect(await closed).toBe(4413);
});

test('A message in too many fragments closes with 4413', async () => {
  const { socket, closed } = await dial(await start());
  for (let i = 0; i <= MAX_FRAGMENTS; i++) socket.send('x', { fin: false });
  expect(await closed).toBe(4413);
});

test('A socket that answers no ping is cut off, one that answers stays', async () => {
  const server = await start(160);
  const silent = await dial(server, { options: { autoPong: false } });
  const alive = await dial(server);
  expect(await silent.closed).toBe(1006);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  alive.socket.terminate();
});

test('Bytes that the client does not read are counted', async () => {
  const { socket } = await dial(await start());
  socket.pause();
  const frame = textFrame('x'.repeat(10_000));
  const [server] = accepted;
  for (let i = 0; i < 2_000; i++) server?.send(frame);
  await expect.poll(() => server?.queuedBytes ?? 0).toBeGreaterThan(1_000_000);
  server?.closeSlow(4408, 'slow');
  socket.terminate();
});
