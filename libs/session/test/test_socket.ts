import { ServerFrame, SUBPROTOCOL } from '@warren/contracts';
import { type ClientOptions, WebSocket } from 'ws';

const WAIT_MS = 15_000;

/** A bare client of the WebSocket protocol. */
export class TestSocket {
  readonly ws: WebSocket;
  readonly frames: ServerFrame[] = [];
  readonly closed: Promise<number>;
  readonly #waiting = new Set<() => void>();

  private constructor(ws: WebSocket) {
    this.ws = ws;
    ws.on('message', (data: Buffer) => {
      this.frames.push(ServerFrame.parse(JSON.parse(data.toString())));
      for (const wake of this.#waiting) wake();
    });
    this.closed = new Promise((resolve) => ws.on('close', resolve));
  }

  static async open(
    gateway: { readonly url: string },
    path = '/v1/ws',
    options: ClientOptions = {},
  ): Promise<TestSocket> {
    const socket = new TestSocket(new WebSocket(`${gateway.url.replace('http', 'ws')}${path}`, [SUBPROTOCOL], options));
    await new Promise<void>((resolve, reject) => {
      socket.ws.on('open', () => resolve());
      socket.ws.on('error', reject);
    });
    return socket;
  }

  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The first frame that fits, among those that came and those that come. */
  async next(fits: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    const until = performance.now() + WAIT_MS;
    while (performance.now() < until) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, 200);
        this.#waiting.add(done);
      });
    }
    throw new Error(`no such frame among ${JSON.stringify(this.frames)}`);
  }

  get welcome(): { readonly session: string; readonly lastSeq: number } {
    const frame = this.frames.find((each) => 'welcome' in each);
    if (frame === undefined || !('welcome' in frame)) throw new Error('not welcomed yet');
    return frame.welcome;
  }

  /** Numbers of the events that arrived, in order of arrival. */
  get seqs(): number[] {
    return this.frames.flatMap((frame) => ('seq' in frame ? [frame.seq] : []));
  }

  /** Sends a request and waits for its reply. */
  async request(id: string, type: string, payload: unknown = {}, key?: string): Promise<ServerFrame> {
    this.send({ id, type, payload, ...(key === undefined ? {} : { key }) });
    return this.next((frame) => 'id' in frame && frame.id === id);
  }
}
