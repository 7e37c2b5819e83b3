import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';

/** After a close frame the peer has this long to answer it. */
const CLOSE_WAIT_MS = 2_000;
/** A peer that does not read has longer, or it would never learn why it was closed. */
const SLOW_CLOSE_WAIT_MS = 10_000;

export interface SocketListener {
  message(data: Buffer, isBinary: boolean): void;
  /** A ping frame: answered by the socket, told so that a flood can be limited. */
  ping(): void;
  closed(code: number): void;
}

export interface ServerSocketDeps {
  readonly ws: WebSocket;
  /** The connection below `ws`: frames that are encoded already are written to it directly. */
  readonly stream: Duplex;
}

/** ws gives one Buffer unless told otherwise; the other forms are only in its types. */
function wholeOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/**
 * One accepted WebSocket. Frames of one turn of the event loop leave in one write. It never refuses a frame by itself:
 * whoever sends asks `queuedBytes` first and closes a reader that is too slow.
 */
export class ServerSocket {
  readonly #ws: WebSocket;
  readonly #stream: Duplex;
  #out: Buffer[] = [];
  #outBytes = 0;
  #listener: SocketListener | undefined;
  #heard = true;

  constructor(deps: ServerSocketDeps) {
    this.#ws = deps.ws;
    this.#stream = deps.stream;
    deps.ws.on('message', (data, isBinary) => {
      this.#heard = true;
      this.#listener?.message(wholeOf(data), isBinary);
    });
    deps.ws.on('ping', (data) => this.#answerPing(data));
    deps.ws.on('pong', () => {
      this.#heard = true;
    });
    deps.ws.on('close', (code) => this.#listener?.closed(code));
  }

  /** Must be called in the turn in which the socket was handed over, or messages are lost. */
  listen(listener: SocketListener): void {
    this.#listener = listener;
  }

  get open(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  /** Bytes that the peer has not taken yet. */
  get queuedBytes(): number {
    return this.#outBytes + this.#stream.writableLength;
  }

  /** Queues one whole frame (see textFrame); nothing happens on a socket that is not open. */
  send(frame: Buffer): void {
    if (!this.open) return;
    this.#out.push(frame);
    this.#outBytes += frame.length;
    if (this.#out.length === 1) setImmediate(() => this.#flush());
  }

  /** Sends what is queued and a close frame. A peer that does not answer it is cut off. */
  close(code: number, reason = ''): void {
    this.#flush();
    this.#closeWithin(CLOSE_WAIT_MS, code, reason);
  }

  /** Drops what is queued here before closing: for a peer that does not read. */
  closeSlow(code: number, reason: string): void {
    this.#out = [];
    this.#outBytes = 0;
    this.#closeWithin(SLOW_CLOSE_WAIT_MS, code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }

  /** Sends a ping; a socket that was silent since the last one is cut off. */
  heartbeat(): void {
    if (!this.#heard) {
      this.#ws.terminate();
      return;
    }
    this.#heard = false;
    if (this.open) this.#ws.ping();
  }

  #closeWithin(waitMs: number, code: number, reason: string): void {
    if (!this.open) return;
    this.#ws.close(code, reason);
    setTimeout(() => this.#ws.terminate(), waitMs).unref();
  }

  #answerPing(data: Buffer): void {
    this.#heard = true;
    this.#listener?.ping();
    if (this.open) this.#ws.pong(data);
  }

  #flush(): void {
    const frames = this.#out;
    if (frames.length === 0) return;
    const bytes = this.#outBytes;
    this.#out = [];
    this.#outBytes = 0;
    const [only] = frames;
    if (this.open && only !== undefined) this.#stream.write(frames.length === 1 ? only : Buffer.concat(frames, bytes));
  }
}
