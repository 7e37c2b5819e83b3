import type { Clock } from '@warren/kernel';
import type { BrokerChannel, BrokerConfirmChannel, BrokerConnection } from './broker_port.ts';
import type { FastFrames } from './frames/fast_frames.ts';
import { raise } from './rabbit_errors.ts';

/** How long the broker may take for one method (channel.open, queue.declare …) before the connection counts as dead. */
const METHOD_TIMEOUT_MS = 10_000;

const ignore = (): void => undefined;

export interface LinkSessionDeps {
  readonly model: BrokerConnection;
  readonly frames: FastFrames | undefined;
  readonly epoch: number;
  /** Ends the connection at once, without a word to the broker. */
  readonly kill: (reason: Error) => void;
}

/** One connection, from open to close. Nothing that is awaited through it can outlive it. */
export class LinkSession {
  /** Counts the connections of this link: 1, 2, 3 … */
  readonly epoch: number;
  /** Resolves when the connection is gone; never rejects. */
  readonly closed: Promise<void>;
  readonly #model: BrokerConnection;
  readonly #frames: FastFrames | undefined;
  readonly #kill: (reason: Error) => void;
  #end: () => void = ignore;
  #alive = true;
  readonly #waiting = new Set<(reason: Error) => void>();

  constructor(deps: LinkSessionDeps) {
    this.epoch = deps.epoch;
    this.#model = deps.model;
    this.#frames = deps.frames;
    this.#kill = deps.kill;
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Called by the link alone. */
  ended(cause: Error | undefined): void {
    if (!this.#alive) return;
    this.#alive = false;
    const reason = raise('SERVICE_LINK_LOST', cause === undefined ? {} : { cause });
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
    this.#end();
  }

  /**
   * Waits for an answer of the broker, but never longer than the connection lives. An answer that does not come within
   * `timeoutMs` ends the connection, since amqplib would wait for ever and queue everything behind it.
   * @throws AppError SERVICE_LINK_LOST
   */
  within<T>(work: Promise<T>, what: string, timeoutMs: number = METHOD_TIMEOUT_MS): Promise<T> {
    if (!this.#alive) {
      work.catch(ignore);
      return Promise.reject(raise('SERVICE_LINK_LOST'));
    }
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(reject);
      };
      const timer = setTimeout(
        () => this.#kill(new Error(`the broker did not answer ${what} within ${timeoutMs} ms`)),
        timeoutMs,
      );
      this.#waiting.add(reject);
      work.then(resolve, reject).finally(settle);
    });
  }

  /**
   * Resolves after `ms`, when the signal is aborted, or when the connection is gone. Never rejects. A race against `closed`
   * would leave something behind each time, for as long as the connection lives.
   */
  async pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#alive || signal.aborted) return;
    const over = new AbortController();
    const end = (): void => over.abort();
    this.#waiting.add(end);
    signal.addEventListener('abort', end, { once: true });
    await clock.sleep(ms, over.signal);
    signal.removeEventListener('abort', end);
    this.#waiting.delete(end);
  }

  openChannel(): Promise<BrokerChannel> {
    return this.within(
      this.#open(() => this.#model.createChannel()),
      'channel.open',
    );
  }

  openConfirmChannel(): Promise<BrokerConfirmChannel> {
    return this.within(
      this.#open(() => this.#model.createConfirmChannel()),
      'channel.open',
    );
  }

  /** A channel without an `error` listener takes the whole connection down with it, so it gets them before anybody sees it. */
  async #open<C extends BrokerChannel>(create: () => Promise<C>): Promise<C> {
    const channel = await create();
    channel.on('error', ignore);
    channel.on('handler-error', ignore);
    this.#frames?.speedUp(channel);
    return channel;
  }
}
