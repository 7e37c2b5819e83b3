import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultProxy, faultProxy } from './fault_proxy.ts';

/** How long a client goes on sending after the other side has said goodbye. */
const HALF_OPEN_MS = 300;

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
  proxy = await faultProxy({ target: { host: '127.0.0.1', port: echoPort() } });
});

function echoPort(): number {
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

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
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.once('end', () => setTimeout(() => socket.end(), HALF_OPEN_MS));
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

test('Bandwidth lets a large answer arrive late and whole', async () => {
  const client = await connect();
  proxy.bandwidth(20_000, 'to_client');
  const begun = performance.now();
  client.socket.write('x'.repeat(10_000));
  await expect.poll(() => client.received().length, { timeout: 20_000 }).toBe(10_000);
  expect(performance.now() - begun).toBeGreaterThan(400);
});

test('A trickle hands the same bytes on, the first of them one by one', async () => {
  const client = await connect();
  await expect.poll(() => serverSide.length).toBe(1);
  proxy.trickle('to_server');
  const chunks: number[] = [];
  serverSide[0]?.on('data', (chunk: Buffer) => chunks.push(chunk.length));
  const text = 'abcdefghijklmnopqrstuvwxyz'.repeat(10);
  client.socket.write(text);
  await expect.poll(client.received).toBe(text);
  expect(chunks.filter((length) => length === 1).length).toBeGreaterThan(1);
});

test('Reordering lets a later connection overtake an earlier one', async () => {
  const lags = [0.9, 0];
  const lagging = await faultProxy({
    target: { host: '127.0.0.1', port: echoPort() },
    random: () => lags.shift() ?? 0,
  });
  lagging.reorder(1_000);
  const arrived: string[] = [];
  for (const name of ['early', 'late']) {
    const socket = net.connect(lagging.port, '127.0.0.1');
    clients.push(socket);
    await once(socket, 'connect');
    await expect.poll(() => lagging.counters.open).toBe(arrived.length === 0 && name === 'early' ? 1 : 2);
    socket.on('data', () => arrived.push(name));
    socket.write(name);
  }
  await expect.poll(() => arrived, { timeout: 20_000 }).toEqual(['late', 'early']);
  await lagging.close();
});

test('A half-closed direction ends for its receiver alone', async () => {
  const client = await connect();
  client.socket.write('hello');
  await expect.poll(client.received).toBe('hello');
  const ended = once(client.socket, 'end');
  proxy.halfClose('to_client');
  await ended;
  let heard = '';
  serverSide[0]?.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  client.socket.write('anybody?');
  await expect.poll(() => heard).toBe('anybody?');
});

test('Silence accepts a connection and never answers it', async () => {
  await proxy.admit('silence');
  const client = await connect();
  client.socket.write('hello');
  await delay(200);
  expect(client.received()).toBe('');
  expect(serverSide).toEqual([]);
  await proxy.admit('pass');
  expect(await client.ended).toBe('ECONNRESET');
});

test('A heal takes every fault back and resets what lost bytes', async () => {
  const holed = await connect();
  proxy.flow('drop');
  holed.socket.write('lost');
  await delay(100);
  proxy.delay(60_000);
  proxy.bandwidth(1);
  await proxy.admit('refuse');
  await proxy.heal();
  expect(await holed.ended).toBe('ECONNRESET');
  const fresh = await connect();
  fresh.socket.write('well again');
  await expect.poll(fresh.received).toBe('well again');
});

test('Abandoned connections stay open and silent, also after a heal; new ones are well', async () => {
  const old = await connect();
  old.socket.write('hello');
  await expect.poll(old.received).toBe('hello');
  proxy.abandon();
  old.socket.write('anybody?');
  await proxy.heal();
  const fresh = await connect();
  fresh.socket.write('new');
  await expect.poll(fresh.received).toBe('new');
  expect(old.received()).toBe('hello');
  expect(old.socket.destroyed).toBe(false);
});
