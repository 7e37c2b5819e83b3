import type { Socket } from 'node:net';
import { resetSocket } from '@warren/kernel';
import { FaultPipe } from './fault_pipe.ts';
import type { Direction, DirectionFaults } from './link_faults.ts';

export interface FaultLinkDeps {
  /** Counts the connections of the proxy: 1, 2, 3 … */
  connection: number;
  client: Socket;
  server: Socket;
  faults: Record<Direction, DirectionFaults>;
  random: () => number;
  onClosed: () => void;
}

/** A connection through the proxy: the client's socket and ours to the server. */
export class FaultLink {
  readonly connection: number;
  /** Extra delay of this connection alone. */
  lagMs = 0;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #pipes: Record<Direction, FaultPipe>;

  constructor({ connection, client, server, faults, random, onClosed }: FaultLinkDeps) {
    this.connection = connection;
    this.#client = client;
    this.#server = server;
    const shared = { connection, cut: (): void => this.cut(), lagMs: (): number => this.lagMs, random };
    this.#pipes = {
      to_server: new FaultPipe({ from: client, to: server, faults: faults.to_server, ...shared }),
      to_client: new FaultPipe({ from: server, to: client, faults: faults.to_client, ...shared }),
    };
    for (const [socket, direction, peer] of [
      [client, 'to_server', server],
      [server, 'to_client', client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (faults[direction].flow !== 'drop') peer.destroySoon();
        if (client.destroyed && server.destroyed) onClosed();
      });
    }
    this.applyFlow();
  }

  applyFlow(): void {
    for (const pipe of Object.values(this.#pipes)) pipe.regulate();
  }

  /** Hands on bytes of our own, behind what is under way. */
  inject(direction: Direction, bytes: Buffer): void {
    this.#pipes[direction].inject(bytes);
  }

  /** The receiver of the direction sees the end of the stream, as if only one half of the connection had been closed. */
  halfClose(direction: Direction): void {
    this.#pipes[direction].endNow();
  }

  /** Both sides go on as if the other one lived, and never hear of it again: what a lost entry in a firewall leaves behind. */
  die(): void {
    for (const pipe of Object.values(this.#pipes)) pipe.die();
  }

  /** A connection whose bytes were dropped cannot go on: a real network would have ended it by now. */
  cutIfBroken(): void {
    if (Object.values(this.#pipes).some((pipe) => pipe.hasHole)) this.cut();
  }

  /** Ends the connection at once; both sides see a reset. */
  cut(): void {
    resetSocket(this.#client);
    resetSocket(this.#server);
  }
}
