import { connect as connectBroker } from 'amqplib';
import { isBlocked, socketOf } from './amqp_socket.ts';
import type { BrokerConnection, Connect, ConnectOptions } from './broker_port.ts';
import { FastFrames } from './frames/fast_frames.ts';

/** TCP, TLS and the AMQP handshake together. */
const CONNECT_TIMEOUT_MS = 8_000;
const KEEP_ALIVE_DELAY_MS = 10_000;
/** How long a polite close may take, and how long a closed socket may linger. */
const CLOSE_TIMEOUT_MS = 1_000;
/** What RabbitMQ proposes by itself. amqplib alone would wait for 64 MiB, and copy them again with every packet. */
const MAX_FRAME_BYTES = 131_072;
const WATCHDOG_TICK_MS = 1_000;
/** Two heartbeats without a byte: amqplib alone would notice after three. */
const SILENT_HEARTBEATS = 2;

export interface ConnectionOptions {
  readonly url: string;
  /** Shown by the broker's tools. */
  readonly name: string;
  readonly heartbeatSeconds: number;
  /** Ends an attempt to connect. */
  readonly signal: AbortSignal;
  /** amqplib's own unless said. */
  readonly connect?: Connect;
}

/**
 * Opens one connection. Every way in which it can end comes out of `onClosed`, exactly once.
 * @throws Error of the socket, or of the handshake as amqplib words it
 */
export async function openConnection(options: ConnectionOptions): Promise<OpenConnection> {
  // The signal is the only hold on a socket that amqplib is still opening or has given up: aborting destroys it.
  const life = new AbortController();
  const abort = (): void => life.abort();
  const timer = setTimeout(abort, CONNECT_TIMEOUT_MS);
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    if (options.signal.aborted) throw new Error('the link is stopping');
    const socket: ConnectOptions = {
      noDelay: true,
      keepAlive: true,
      keepAliveDelay: KEEP_ALIVE_DELAY_MS,
      timeout: CONNECT_TIMEOUT_MS,
      signal: life.signal,
      clientProperties: { connection_name: options.name },
    };
    const connect = options.connect ?? connectBroker;
    const model = await connect(withLimits(options.url, options.heartbeatSeconds), socket);
    return new OpenConnection(model, life, options.heartbeatSeconds);
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

function withLimits(url: string, heartbeatSeconds: number): string {
  const parsed = new URL(url);
  parsed.searchParams.set('heartbeat', String(heartbeatSeconds));
  parsed.searchParams.set('frameMax', String(MAX_FRAME_BYTES));
  parsed.searchParams.set('maxFrameSize', String(MAX_FRAME_BYTES));
  return parsed.href;
}

/** An open connection with all its listeners in place. */
export class OpenConnection {
  readonly model: BrokerConnection;
  /** Undefined where amqplib has changed inside. */
  readonly frames: FastFrames | undefined;
  readonly #life: AbortController;
  #watchdog: NodeJS.Timeout | undefined;
  #cause: Error | undefined;
  #closed = false;
  #blocked: boolean;
  #closedListener: (cause: Error | undefined) => void = () => undefined;
  #blockedListener: (blocked: boolean) => void = () => undefined;

  constructor(model: BrokerConnection, life: AbortController, heartbeatSeconds: number) {
    this.model = model;
    this.frames = FastFrames.attach(model);
    this.#life = life;
    this.#blocked = isBlocked(model.connection);
    model.on('error', (error) => {
      this.#cause ??= error;
    });
    model.on('close', (error) => this.#ended(error));
    model.on('blocked', () => this.#setBlocked(true));
    model.on('unblocked', () => this.#setBlocked(false));
    this.#watch(heartbeatSeconds);
  }

  /** Why it ended; undefined while it lives and after a polite close. */
  get cause(): Error | undefined {
    return this.#cause;
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** Called once, also when the connection has ended already. */
  onClosed(listener: (cause: Error | undefined) => void): void {
    this.#closedListener = listener;
    if (this.#closed) listener(this.#cause);
  }

  onBlocked(listener: (blocked: boolean) => void): void {
    this.#blockedListener = listener;
  }

  /** Asks the broker to close; after a second the socket is destroyed. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const timer = setTimeout(
      () => this.kill(new Error('the broker did not answer connection.close')),
      CLOSE_TIMEOUT_MS,
    );
    const ended = new Promise<void>((resolve) => this.model.once('close', () => resolve()));
    try {
      await Promise.race([this.model.close(), ended]);
    } catch {
      this.kill(new Error('the connection could not be closed'));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Destroys the socket now. */
  kill(reason: Error): void {
    this.#cause ??= reason;
    this.#life.abort();
    // amqplib says nothing when the socket dies between connection.close and its answer
    setImmediate(() => this.#ended(reason));
  }

  #ended(cause: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cause ??= cause;
    clearInterval(this.#watchdog);
    // amqplib only half-closes, which keeps the socket of a vanished peer for minutes
    setTimeout(() => this.#life.abort(), CLOSE_TIMEOUT_MS).unref();
    this.#closedListener(this.#cause);
  }

  #setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    this.#blockedListener(blocked);
  }

  /** Counts ticks, not time: after a blocked event loop the bytes that wait in the kernel are read between two ticks. */
  #watch(heartbeatSeconds: number): void {
    const socket = socketOf(this.model.connection);
    if (socket === undefined) return;
    if (heartbeatSeconds === 0) return;
    const limit = Math.ceil((SILENT_HEARTBEATS * heartbeatSeconds * 1_000) / WATCHDOG_TICK_MS);
    let seen = socket.bytesRead;
    let silentTicks = 0;
    this.#watchdog = setInterval(() => {
      silentTicks = socket.bytesRead === seen ? silentTicks + 1 : 0;
      seen = socket.bytesRead;
      if (silentTicks >= limit) this.kill(new Error(`the broker was silent for ${limit} s`));
    }, WATCHDOG_TICK_MS);
    this.#watchdog.unref();
  }
}
