import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resetSocket } from './reset_socket.ts';

let server: net.Server;
let accepted: net.Socket[] = [];

beforeAll(async () => {
  server = net.createServer((socket) => {
    accepted.push(socket);
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
});

/** A connection from both sides, with the code of the error that the far side meets and the close of the near one. */
async function pair(): Promise<{ near: net.Socket; farError: Promise<string>; closed: Promise<unknown> }> {
  accepted = [];
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const near = net.connect(address.port, '127.0.0.1');
  near.on('error', () => undefined);
  const closed = once(near, 'close');
  await once(near, 'connect');
  await expect.poll(() => accepted.length).toBe(1);
  const farError = new Promise<string>((resolve) => {
    accepted[0]?.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    accepted[0]?.once('close', () => resolve('none'));
  });
  return { near, farError, closed };
}

test('the other side sees a reset, not a goodbye', async () => {
  const { near, farError, closed } = await pair();
  near.write('what is under way');
  resetSocket(near);
  expect(await farError).toBe('ECONNRESET');
  await closed;
});

test('a socket closes also when it is reset again, destroyed, or was saying goodbye', async () => {
  const ends: ((socket: net.Socket) => void)[] = [
    (socket) => {
      resetSocket(socket);
      resetSocket(socket);
      socket.destroy();
    },
    (socket) => {
      socket.end('goodbye');
      resetSocket(socket);
    },
    (socket) => {
      resetSocket(socket);
      socket.end();
    },
  ];
  for (const end of ends) {
    const { near, farError, closed } = await pair();
    end(near);
    await closed;
    await farError;
  }
});

test('a socket that is still connecting closes without a connection', async () => {
  const connecting = net.connect(9, '192.0.2.1');
  connecting.on('error', () => undefined);
  const closed = once(connecting, 'close');
  resetSocket(connecting);
  await closed;
  expect(connecting.destroyed).toBe(true);
});
