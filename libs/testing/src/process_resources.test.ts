import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { processResources } from './process_resources.ts';

/** Elsewhere the kernel does not tell. */
const isTold = process.platform === 'linux';

test('Connections of a process are counted by the server at their other end', async () => {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  const before = processResources(process.pid, { [port]: 'mine' });
  const client = net.connect(port, '127.0.0.1');
  await Promise.all([once(client, 'connect'), once(server, 'connection')]);
  const during = processResources(process.pid, { [port]: 'mine' });
  client.destroy();
  server.close();
  await once(server, 'close');
  const after = processResources(process.pid, { [port]: 'mine' });
  expect([before?.sockets['mine'], during?.sockets['mine'], after?.sockets['mine']]).toEqual([
    undefined,
    isTold ? 1 : undefined,
    undefined,
  ]);
  expect((during?.residentBytes ?? 0) > 10_000_000).toBe(isTold);
  expect(processResources(2 ** 22 + 1, {})).toBeUndefined();
});
