import { EventEmitter } from 'node:events';
import { type ConsumeMessage, IllegalOperationError } from 'amqplib';
import { callFailed, channelClosed, type Method, type Refusal } from './refusal.ts';
import type { ServerChannel } from './server_channel.ts';
import type { ServerConnection } from './server_connection.ts';

export type Confirmed = (error: unknown) => void;
export type OnMessage = (message: ConsumeMessage | null) => void;

interface Call {
  readonly method: Method;
  readonly send: () => void;
  readonly fail: (error: Error) => void;
}

/**
 * How a channel of amqplib lives and ends: one call waits for the broker at a time, the others queue here, and everything
 * that waits learns of the end in the same order and words.
 */
export class ChannelCore extends EventEmitter {
  protected readonly consumers = new Map<string, OnMessage>();
  protected readonly unconfirmed = new Map<number, Confirmed | undefined>();
  readonly #connection: ServerConnection;
  readonly #server: ServerChannel;
  readonly #calls: Call[] = [];
  #state: 'open' | 'Channel closing' | 'Channel closed' = 'open';

  constructor(connection: ServerConnection) {
    super();
    this.#connection = connection;
    this.#server = connection.openChannel({
      delivered: (message) =>
        this.whenOpen(() => this.#guarded('delivery', () => this.consumers.get(message.fields.consumerTag)?.(message))),
      canceled: (tag) => this.whenOpen(() => this.#canceled(tag)),
      returned: (message) => this.whenOpen(() => this.announce('return', message)),
      confirmed: (tag, stored) => this.whenOpen(() => this.#confirmed(tag, stored)),
      closed: (refusal, method) => this.whenOpen(() => this.#refused(refusal, method)),
    });
  }

  /** Never settles when the connection breaks meanwhile, as with amqplib. */
  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state !== 'open') {
        reject(new IllegalOperationError(this.#state));
        return;
      }
      this.#state = 'Channel closing';
      this.#connection.receive(() => {
        this.#connection.channelEnded(this.#server);
        this.#connection.tell(() => {
          if (this.#state !== 'Channel closing') return;
          resolve();
          this.end();
        });
      });
    });
  }

  /** Calls fail, confirms are lost. Called by the connection when it ends itself. */
  end(): void {
    if (this.#state === 'Channel closed') return;
    this.#state = 'Channel closed';
    for (const call of this.#calls.splice(0)) call.fail(new Error('Channel ended, no reply will be forthcoming'));
    this.consumers.clear();
    const lost = [...this.unconfirmed.values()];
    this.unconfirmed.clear();
    for (const confirmed of lost) confirmed?.(new Error('channel closed'));
    this.announce('close');
  }

  /** A frame that is not answered. @throws IllegalOperationError on a closed channel */
  protected send(method: Method, work: (server: ServerChannel) => void): void {
    if (this.#state !== 'open') throw new IllegalOperationError(this.#state);
    this.#connection.receive(() => this.#server.run(method, work), method === 'BasicPublish');
  }

  /** `first` runs in the frame of the answer, before anything that may follow it in the same packet. */
  protected call<T>(method: Method, work: (server: ServerChannel) => T, first?: (value: T) => void): Promise<T> {
    return new Promise((resolve, fail) => {
      if (this.#state !== 'open') throw new IllegalOperationError(this.#state);
      const answer = (value: T): void =>
        this.whenOpen(() => {
          this.#calls.shift();
          this.#calls[0]?.send();
          first?.(value);
          resolve(value);
        });
      const send = (): void => this.#connection.receive(() => this.#server.run(method, work, answer));
      this.#calls.push({ method, send, fail });
      if (this.#calls.length === 1) send();
    });
  }

  protected whenOpen(work: () => void): void {
    if (this.#state === 'open') work();
  }

  /** Emits an event. */
  protected announce(event: string, ...values: unknown[]): void {
    this.#guarded(event, () => this.emit(event, ...values));
  }

  #refused(refusal: Refusal, method: Method): void {
    const waiting = this.#calls.shift();
    waiting?.fail(callFailed(refusal, method, waiting.method));
    this.announce('error', channelClosed(refusal, method));
    this.end();
  }

  #canceled(tag: string): void {
    const onMessage = this.consumers.get(tag);
    this.consumers.delete(tag);
    this.#guarded('cancel', () => onMessage?.(null));
  }

  #confirmed(tag: number, stored: boolean): void {
    const confirmed = this.unconfirmed.get(tag);
    this.unconfirmed.delete(tag);
    confirmed?.(stored ? null : new Error('message nacked'));
  }

  /** What a listener throws goes to `handler-error`; without one it is nobody's. */
  #guarded(event: string, work: () => void): void {
    try {
      work();
    } catch (cause) {
      if (this.listenerCount('handler-error') === 0) throw cause;
      setImmediate(() => this.emit('handler-error', cause, event));
    }
  }
}
