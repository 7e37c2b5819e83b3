import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { ServerFrame, SUBPROTOCOL } from '@warren/contracts';
import { WebSocket } from 'ws';

const TIMEOUT_MS = 10_000;

/** What came back: a frame, or the end of the connection. */
export type Heard = { readonly frame: ServerFrame } | { readonly closed: number };

export interface OpenOptions {
  /** In the Authorization header; without it the socket has still to show a ticket. */
  readonly token?: string;
  readonly path?: string;
}

/** A WebSocket that sends whatever it is given. */
export class RawSocket {
  readonly #ws: WebSocket;
  readonly #heard: Heard[] = [];
  #wake: () => void = () => undefined;
  closeCode: number | undefined;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data) => {
      if (Buffer.isBuffer(data)) this.#hear({ frame: ServerFrame.parse(JSON.parse(data.toString('utf8'))) });
    });
    ws.on('close', (code) => {
      this.closeCode = code;
      this.#hear({ closed: code });
    });
    ws.on('error', () => undefined);
  }

  /** With a token it resolves after the welcome. @throws Error with the status when the upgrade is refused */
  static async open(url: string, options: OpenOptions = {}): Promise<RawSocket> {
    const { token, path = '/v1/ws' } = options;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const ws = new WebSocket(url.replace('http', 'ws') + path, SUBPROTOCOL, { headers, perMessageDeflate: false });
    const socket = new RawSocket(ws);
    await once(ws, 'open');
    if (token !== undefined) await socket.next();
    return socket;
  }

  get open(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  /** One text frame, whatever is in it; `fin: false` for a fragment that others follow. */
  send(bytes: Buffer | string, options: { readonly binary?: boolean; readonly fin?: boolean } = {}): void {
    this.#ws.send(bytes, { binary: false, ...options });
  }

  /** Bytes below the WebSocket: for frames that no library would send. */
  sendRaw(bytes: Buffer): void {
    const stream: unknown = Reflect.get(this.#ws, '_socket');
    if (!(stream instanceof Duplex)) throw new Error('the socket has no stream');
    stream.write(bytes);
  }

  /** The next thing heard. @throws Error after 10 s of silence */
  async next(): Promise<Heard> {
    const until = performance.now() + TIMEOUT_MS;
    for (;;) {
      const first = this.#heard.shift();
      if (first !== undefined) return first;
      if (performance.now() > until) throw new Error('the server said nothing');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 250);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The close code, whatever is said before it. */
  async closed(): Promise<number> {
    for (;;) {
      if (this.closeCode !== undefined) return this.closeCode;
      await this.next();
    }
  }

  async close(): Promise<void> {
    if (this.open) this.#ws.close(1000);
    await this.closed();
  }

  #hear(heard: Heard): void {
    this.#heard.push(heard);
    this.#wake();
  }
}
