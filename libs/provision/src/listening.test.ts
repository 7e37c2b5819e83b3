import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { listenersOn } from './listening.ts';
import { freePort } from './ports.ts';
import { identifyProcess } from './process_identity.ts';

test('The process that listens on a port is found, and only for that port', async () => {
  const port = await freePort();
  const server = net.createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(listenersOn(new Set([port]))).toEqual([identifyProcess(process.pid)]);
  expect(listenersOn(new Set([await freePort(new Set([port]))]))).toEqual([]);
  server.close();
});
