import http from 'node:http';
import { Problem } from '@warren/contracts';
import { unknown, type Verdict, verdictOfError } from './verdict.ts';

export interface HttpRequest {
  readonly path: string;
  readonly token: string;
  readonly key: string;
  readonly body: object;
}

const MAX_SOCKETS = 128;
/** Longer than every deadline of the gateway: a request that ends here was dropped by the network. */
const TIMEOUT_MS = 8_000;
/** Codes of a connection that was never made: the request left nobody's hands. */
const NEVER_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

/** Sends commands to gateways over kept connections. Never rejects: whatever happens is a verdict. */
export class HttpClient {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: 'lifo' });

  post(gatewayUrl: string, request: HttpRequest): Promise<Verdict> {
    const text = JSON.stringify(request.body);
    const headers = {
      authorization: `Bearer ${request.token}`,
      'idempotency-key': request.key,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    };
    return new Promise((resolve) => {
      const options = { method: 'POST', agent: this.#agent, headers, timeout: TIMEOUT_MS };
      const sent = http.request(new URL(request.path, gatewayUrl), options, (response) => {
        readVerdict(response).then(resolve, () => resolve(unknown('ANSWER_CUT')));
      });
      sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
      sent.on('error', (error: NodeJS.ErrnoException) => resolve(verdictOfBreak(error, sent.reusedSocket)));
      sent.end(text);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function verdictOfBreak(error: NodeJS.ErrnoException, reused: boolean): Verdict {
  const code = error.code ?? error.message;
  // sent on a kept connection that the server had closed before it read it: HTTP cannot exclude that
  if (reused && STALE.has(code)) return unknown('STALE_CONNECTION');
  return NEVER_SENT.has(code) ? { type: 'fail', code, refused: false } : unknown(code);
}

async function readVerdict(response: http.IncomingMessage): Promise<Verdict> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  const body: unknown = text === '' ? {} : JSON.parse(text);
  const { statusCode: status = 0 } = response;
  if (status >= 200 && status < 300) return { type: 'ok', value: body };
  const problem = Problem.safeParse(body);
  if (!problem.success) return unknown(`HTTP_${status}`);
  return verdictOfError(problem.data.code, problem.data.retryable);
}
