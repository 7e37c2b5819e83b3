import http from 'node:http';

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
}

/**
 * What became of one request: answered; `refused`, never taken; `stale`, sent on a kept connection that the server had closed
 * before it read it, which HTTP cannot exclude and clients repeat; or `broken`, taken and dropped.
 */
export type HttpOutcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly body: unknown;
    }
  | { readonly kind: 'refused' | 'stale' }
  | { readonly kind: 'broken'; readonly reason: string };

const REQUEST_TIMEOUT_MS = 15_000;
const MAX_SOCKETS = 64;
const STALE_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** Sends requests to several gateways in turn, over kept connections. */
export class HttpSender {
  readonly #targets: () => readonly string[];
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
  #next = 0;

  constructor(targets: () => readonly string[]) {
    this.#targets = targets;
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Never rejects. */
  send({ method, path, headers, body }: HttpCall): Promise<HttpOutcome> {
    const targets = this.#targets();
    const target = targets[this.#next++ % targets.length];
    if (target === undefined) return Promise.resolve({ kind: 'refused' });
    const text = body === undefined ? undefined : JSON.stringify(body);
    const lengths =
      text === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
    return new Promise((resolve) => {
      const options = { method, agent: this.#agent, headers: { ...headers, ...lengths }, timeout: REQUEST_TIMEOUT_MS };
      const request = http.request(new URL(path, target), options, (response) => {
        readBody(response).then(
          (answer) =>
            resolve({
              kind: 'answered',
              status: response.statusCode ?? 0,
              retryAfter: response.headers['retry-after'],
              body: answer,
            }),
          (error: unknown) => resolve({ kind: 'broken', reason: `in the answer: ${String(error)}` }),
        );
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time')));
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') resolve({ kind: 'refused' });
        else if (request.reusedSocket && STALE_CODES.has(error.code ?? '')) resolve({ kind: 'stale' });
        else resolve({ kind: 'broken', reason: error.code ?? error.message });
      });
      request.end(text);
    });
  }
}

async function readBody(response: http.IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return text === '' ? {} : JSON.parse(text);
}
