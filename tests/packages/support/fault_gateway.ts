import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';

export interface SeenCall {
  readonly path: string;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly body: unknown;
  readonly at: number;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text as it is. */
  readonly body?: unknown;
  /** Cuts the connection instead. */
  readonly cut?: true;
  /** Never answers. */
  readonly hang?: true;
}

type Handler = (call: SeenCall) => Answer;

const Frame = z.record(z.string(), z.unknown());
type Frame = z.output<typeof Frame>;

/** One socket of a client, from its side of the gateway. */
export class FaultSocket {
  readonly frames: Frame[] = [];
  readonly #socket: WebSocket;
  #wake: () => void = () => undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.frames.push(Frame.parse(JSON.parse(data.toString())));
      this.#wake();
    });
    socket.on('close', () => this.#wake());
  }

  get open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  welcome(session = 's1', lastSeq = 0, heartbeatMs = 15_000): void {
    this.send({ welcome: { session, lastSeq, heartbeatMs } });
  }

  event(seq: number, type: string, payload: unknown): void {
    this.send({ seq, type, payload });
  }

  close(code: number, reason = ''): void {
    this.#socket.close(code, reason);
  }

  /** The first frame with this field. @throws Error when the socket is closed before it came */
  async frame(field: string): Promise<Frame> {
    for (;;) {
      const found = this.frames.find((frame) => field in frame);
      if (found !== undefined) return found;
      if (!this.open) throw new Error(`closed before ${field}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** Speaks the public protocol as badly as a test wants it: what a real gateway does not do on demand. */
export class FaultGateway {
  readonly calls: SeenCall[] = [];
  readonly sockets: FaultSocket[] = [];
  readonly #http: Server;
  readonly #ws = new WebSocketServer({ noServer: true, handleProtocols: () => 'warren.v1' });
  readonly #handlers = new Map<string, Handler>();
  readonly #waiting: ((socket: FaultSocket) => void)[] = [];
  #taken = 0;

  private constructor() {
    this.#http = createServer((request, response) => void this.#answer(request, response));
    this.#http.on('upgrade', (request, socket, head) => {
      this.#ws.handleUpgrade(request, socket, head, (client) => {
        this.sockets.push(new FaultSocket(client));
        this.#hand();
      });
    });
    this.on('/v1/ws-tickets', () => ({ status: 201, body: { ticket: 't'.repeat(32), expires_in: 30 } }));
  }

  static async start(): Promise<FaultGateway> {
    const gateway = new FaultGateway();
    gateway.#http.listen(0, '127.0.0.1');
    await once(gateway.#http, 'listening');
    return gateway;
  }

  get url(): string {
    const address = this.#http.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  on(path: string, handler: Handler): void {
    this.#handlers.set(path, handler);
  }

  to(path: string): SeenCall[] {
    return this.calls.filter((call) => call.path === path);
  }

  /** The next socket that nobody has asked for yet, past its ticket. */
  async next(): Promise<FaultSocket> {
    const socket = await new Promise<FaultSocket>((resolve) => {
      this.#waiting.push(resolve);
      this.#hand();
    });
    await socket.frame('auth');
    return socket;
  }

  async stop(): Promise<void> {
    for (const client of this.#ws.clients) client.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #hand(): void {
    while (this.#waiting.length > 0 && this.#taken < this.sockets.length) {
      const socket = this.sockets[this.#taken++];
      if (socket !== undefined) this.#waiting.shift()?.(socket);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { headers, url: path = '' } = request;
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const key = headers['idempotency-key']?.toString();
    const call: SeenCall = {
      path,
      key,
      token: headers.authorization?.replace('Bearer ', ''),
      body,
      at: performance.now(),
    };
    this.calls.push(call);
    const answer = this.#handlers.get(path)?.(call) ?? problem(404, 'ROUTE_NOT_FOUND');
    if (answer.cut === true) request.socket.destroy();
    else if (answer.hang !== true) write(response, answer);
  }
}

function write(response: ServerResponse, { status = 200, headers = {}, body = null }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** An error as the gateway writes it. */
export function problem(status: number, code: string, retryable = false): Answer {
  const body = {
    type: `urn:warren:error:${code}`,
    title: code,
    status,
    code,
    detail: code,
    retryable,
    traceId: 'f'.repeat(32),
  };
  return { status, body };
}

/** Answers one after the other; the last one again and again. */
export function sequence(...answers: readonly Answer[]): Handler {
  let index = 0;
  return () => answers[Math.min(index++, answers.length - 1)] ?? {};
}
