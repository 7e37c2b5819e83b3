/**
 * The only way out of the network of a proved machine: an HTTP proxy for `apt-get`, `npm` and `pnpm` on one address of this host.
 * Usage: node relay.mjs <address> <port file>. Writes its port into the file when it listens. Refuses every target on this host, so
 * that no server that runs here can be found from inside.
 */
import dns from 'node:dns/promises';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import process from 'node:process';

const [address, portFile] = process.argv.slice(2);
if (address === undefined || portFile === undefined) throw new Error('usage: node relay.mjs <address> <port file>');

const own = new net.BlockList();
own.addSubnet('127.0.0.0', 8, 'ipv4');
own.addSubnet('0.0.0.0', 8, 'ipv4');
own.addAddress('::1', 'ipv6');
own.addAddress('::', 'ipv6');
for (const list of Object.values(os.networkInterfaces()))
  for (const { address: mine, family } of list ?? []) own.addAddress(mine, family.toLowerCase());

/** The address behind a name, looked up once, so that the checked address is the one that is used. */
async function resolve(host) {
  const found = await dns.lookup(host.replace(/^\[|\]$/g, ''));
  if (own.check(found.address, found.family === 6 ? 'ipv6' : 'ipv4')) throw new Error('a target on this host');
  return found;
}

const server = http.createServer(async (request, response) => {
  const fail = (error) => {
    if (!response.headersSent) response.writeHead(502, { 'content-type': 'text/plain' });
    response.end(`${error.message}\n`);
  };
  try {
    const url = new URL(request.url ?? '');
    const { address: host, family } = await resolve(url.hostname);
    const { 'proxy-connection': _hop, 'proxy-authorization': _secret, ...headers } = request.headers;
    const target = { host, family, port: url.port || 80, path: url.pathname + url.search, method: request.method };
    const onward = http.request({ ...target, headers, setHost: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', fail);
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  } catch (error) {
    fail(error);
  }
});

server.on('connect', async (request, client, head) => {
  client.on('error', () => client.destroy());
  try {
    const { hostname, port } = new URL(`http://${request.url}`);
    const { address: host, family } = await resolve(hostname);
    const target = net.connect({ host, family, port: Number(port || 443) }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      client.pipe(target).pipe(client);
    });
    target.on('error', () => client.destroy());
    client.on('close', () => target.destroy());
  } catch {
    client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  }
});

server.listen(0, address, () => fs.writeFileSync(portFile, String(server.address().port)));
