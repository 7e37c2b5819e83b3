import { once } from 'node:events';
import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { freePort, freePortNear, isPortFree, probePort, waitForFreePort, waitForPort } from './ports.ts';

const servers: net.Server[] = [];

async function listen(port: number, host = '127.0.0.1'): Promise<void> {
  const server = net.createServer((socket) => socket.destroy()).listen(port, host);
  servers.push(server);
  await once(server, 'listening');
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test('A free port is below the range of outgoing connections and nobody listens there', async () => {
  const port = await freePort();
  expect(port).toBeGreaterThanOrEqual(20_000);
  expect(port).toBeLessThan(32_768);
  expect(await probePort('127.0.0.1', port)).toBe(false);
});

test.each(['127.0.0.1', '0.0.0.0'])(
  'A port somebody listens on at %s is not free, and another one is chosen',
  async (host) => {
    const port = await freePort();
    await listen(port, host);
    expect(await isPortFree(port)).toBe(false);
    expect(await freePortNear(port)).not.toBe(port);
  },
);

test('The preferred port is kept when it is free and not promised already', async () => {
  const port = await freePort();
  expect(await freePortNear(port)).toBe(port);
  expect(await freePortNear(port, new Set([port]))).not.toBe(port);
});

test('Waiting for a port ends when it opens, and when it does not', async () => {
  const port = await freePort();
  const waiting = waitForPort('127.0.0.1', port, 5000);
  await listen(port);
  expect(await waiting).toBe(true);
  expect(await waitForPort('127.0.0.1', await freePort(), 150)).toBe(false);
});

test('Waiting for a port to become free ends when its listener goes, and when it stays', async () => {
  const port = await freePort();
  await listen(port);
  expect(await waitForFreePort(port, 150)).toBe(false);
  const waiting = waitForFreePort(port, 5000);
  for (const server of servers.splice(0)) server.close();
  expect(await waiting).toBe(true);
});
