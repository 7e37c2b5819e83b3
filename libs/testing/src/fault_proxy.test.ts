import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultProxy, faultProxy } from './fault_proxy.ts';

let echo: net.Server;
let serverSide: net.Socket[];
let proxy: FaultProxy;
let clients: net.Socket[];

beforeEach(async () => {
  serverSide = [];
  clients = [];
  echo = net.createServer((socket) => {
    serverSide.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => socket.write(chunk));
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await faultProxy({ target: { host: '127.0.0.1', port: address.port } });
});

afterEach(async () => {
  for (const socket of [...clients, ...serverSide]) socket.destroy();
  await proxy.close();
  echo.close();
});

interface Client {
  socket: net.Socket;
  received: () => string;
  ended: Promise<string>;
}

async function connect(): Promise<Client> {
  const socket = net.connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  let text = '';
  let code = 'end';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? 'error';
  });
  const ended = new Promise<string>((resolve) => socket.once('close', () => resolve(code)));
  await Promise.race([once(socket, 'connect').catch(() => undefined), ended]);
  return { socket, received: () => text, ended };
}

test('Bytes go both ways and are counted', async () => {
  const client = await connect();
  client.socket.write('hello');
  await expect.poll(client.received).toBe('hello');
  expect(proxy.counters).toEqual({ accepted: 1, reset: 0, open: 1, bytesToServer: 5, bytesToClient: 5 });
  client.socket.end();
  expect(await client.ended).toBe('end');
  await expect.poll(() => proxy.counters.open).toBe(0);
});

test('A refusing proxy refuses new connections, keeps old ones, and can be opened again', async () => {
  const old = await connect();
  await proxy.admit('refuse');
  expect(await (await connect()).ended).toBe('ECONNREFUSED');
  old.socket.write('still');
  await expect.poll(old.received).toBe('still');
  await proxy.admit('pass');
  const fresh = await connect();
  fresh.socket.write('new');
  await expect.poll(fresh.received).toBe('new');
});

test('A resetting proxy resets new connections', async () => {
  await proxy.admit('reset');
  expect(await (await connect()).ended).toBe('ECONNRESET');
  expect(proxy.counters).toMatchObject({ accepted: 0, reset: 1 });
});

test('Cutting resets both sides of all connections', async () => {
  const [first, second] = await Promise.all([connect(), connect()]);
  await expect.poll(() => serverSide.length).toBe(2);
  const serverEnds = Promise.all(serverSide.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  expect(proxy.cut()).toBe(2);
  expect(await Promise.all([first.ended, second.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
  await serverEnds;
  await expect.poll(() => proxy.counters.open).toBe(0);
});

test('A cut after some bytes lets exactly those through', async () => {
  const client = await connect();
  let arrived = '';
  await expect.poll(() => serverSide.length).toBe(1);
  serverSide[0]?.on('data', (chunk) => {
    arrived += chunk.toString();
  });
  proxy.cutAfterBytes(7, 'to_server');
  client.socket.write('12345');
  await expect.poll(() => arrived).toBe('12345');
  client.socket.write('67890');
  await client.ended;
  await expect.poll(() => arrived).toBe('1234567');
});

test('Stalled bytes arrive when the stall ends', async () => {
  const client = await connect();
  proxy.flow('stall', 'to_client');
  client.socket.write('later');
  await delay(100);
  expect(client.received()).toBe('');
  proxy.flow('pass');
  await expect.poll(client.received).toBe('later');
});

test('Dropped bytes never arrive, and the other side does not learn of a farewell', async () => {
  const client = await connect();
  await expect.poll(() => serverSide.length).toBe(1);
  proxy.flow('drop');
  client.socket.write('lost');
  client.socket.end();
  await delay(100);
  expect(serverSide[0]?.readableEnded).toBe(false);
  expect(serverSide[0]?.bytesRead).toBe(0);
  expect(proxy.counters.open).toBe(1);
});

test('A connection that lost bytes stays silent when the network is back; a new one works', async () => {
  const client = await connect();
  proxy.flow('drop');
  client.socket.write('lost');
  await delay(100);
  proxy.flow('pass');
  client.socket.write('late');
  const fresh = await connect();
  fresh.socket.write('new');
  await expect.poll(fresh.received).toBe('new');
  expect(client.received()).toBe('');
});

test('Delayed bytes arrive late and in order, even when the delay is taken away', async () => {
  const client = await connect();
  const started = performance.now();
  proxy.delay(120, 'to_server');
  client.socket.write('a');
  await expect.poll(() => proxy.counters.bytesToServer).toBe(1);
  proxy.delay(0);
  client.socket.write('b');
  await expect.poll(client.received).toBe('ab');
  expect(performance.now() - started).toBeGreaterThan(110);
});

test('A URL is led through the proxy with its user and path kept', () => {
  expect(proxy.through('amqp://u:p@broker:5672/vhost')).toBe(`amqp://u:p@127.0.0.1:${proxy.port}/vhost`);
});
