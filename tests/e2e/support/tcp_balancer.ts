import { once } from 'node:events';
import net from 'node:net';

/**
 * Stands before several gateways as a load balancer does: each connection goes to the first of them that accepts it. Can be
 * closed for a while, as a player's network is.
 */
export class TcpBalancer {
  readonly #targets: () => readonly string[];
  readonly #sockets = new Set<net.Socket>();
  readonly #server: net.Server;
  #open = true;

  constructor(targets: () => readonly string[]) {
    this.#targets = targets;
    this.#server = net.createServer((client) => void this.#join(client));
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the balancer has no port');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Lets new connections through, or ends them at once. Those that are open stay. */
  admit(open: boolean): void {
    this.#open = open;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  async #join(client: net.Socket): Promise<void> {
    client.on('error', () => undefined);
    this.#keep(client);
    for (const target of this.#open ? this.#targets() : []) {
      const gateway = await connect(target);
      if (gateway === undefined) continue;
      this.#keep(gateway);
      gateway.on('close', () => client.destroy());
      client.on('close', () => gateway.destroy());
      if (client.destroyed) gateway.destroy();
      client.pipe(gateway).pipe(client);
      return;
    }
    client.destroy();
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function connect(url: string): Promise<net.Socket | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname);
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}
