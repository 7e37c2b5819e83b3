import { EventEmitter } from 'node:events';
import { type Connection, IllegalOperationError } from 'amqplib';
import type { BrokerConnection } from '../broker_port.ts';
import { MemoryChannel } from './memory_channel.ts';
import { connectionClosed, socketError } from './refusal.ts';
import type { ServerConnection } from './server_connection.ts';

const SERVER = {
  host: 'memory',
  product: 'Warren twin',
  version: '0',
  platform: 'Node.js',
  information: 'in this process',
};

/** The client's half of a connection: does what amqplib's ChannelModel does. */
export class MemoryConnection extends EventEmitter implements BrokerConnection {
  /** `blocked` is what amqplib remembers of an alarm. It is no part of the port, so it is looked for. */
  readonly connection: Connection & { blocked: boolean } = { serverProperties: SERVER, blocked: false };
  readonly #server: ServerConnection;
  readonly #channels = new Set<MemoryChannel>();
  #state: 'open' | 'Connection closing' | 'Connection closed' = 'open';

  /** Aborting `signal` destroys the connection without a word. */
  constructor(server: ServerConnection, signal: AbortSignal) {
    super();
    this.#server = server;
    server.meet({
      blocked: (on) => this.#blocked(on),
      closed: (refusal) => {
        if (this.#state === 'open') this.#closed(connectionClosed(refusal));
      },
      broken: () => this.#broken(socketError('ECONNRESET')),
    });
    signal.addEventListener('abort', () => queueMicrotask(() => this.#destroyed()), { once: true });
  }

  async createChannel(): Promise<MemoryChannel> {
    return await this.#open(false);
  }

  async createConfirmChannel(): Promise<MemoryChannel> {
    return await this.#open(true);
  }

  /** Never settles when the connection breaks meanwhile, as with amqplib. */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'open') {
        reject(new IllegalOperationError(this.#state));
        return;
      }
      const done = (): void => {
        resolve();
        this.#closed(undefined);
      };
      this.#state = 'Connection closing';
      // Nobody reads what a blocked connection writes, so amqplib does not wait for an answer.
      if (this.connection.blocked) {
        this.#server.abandoned();
        done();
      } else {
        this.#server.receive(() => this.#server.close(done));
      }
    });
  }

  async #open(confirming: boolean): Promise<MemoryChannel> {
    if (this.#state !== 'open') throw new IllegalOperationError(this.#state);
    const channel = new MemoryChannel(this.#server);
    this.#channels.add(channel);
    channel.once('close', () => this.#channels.delete(channel));
    await channel.open(confirming);
    return channel;
  }

  #blocked(on: boolean): void {
    this.connection.blocked = on;
    if (on) this.emit('blocked', 'low on memory');
    else this.emit('unblocked');
  }

  #destroyed(): void {
    if (this.#state === 'Connection closed') return;
    this.#server.abandoned();
    this.#broken(new Error('The operation was aborted'));
  }

  #broken(error: Error): void {
    if (this.#state === 'Connection closed') return;
    this.emit('error', error);
    this.#closed(error);
  }

  #closed(error: Error | undefined): void {
    if (this.#state === 'Connection closed') return;
    this.#state = 'Connection closed';
    for (const channel of this.#channels) channel.end();
    this.emit('close', error);
  }
}
