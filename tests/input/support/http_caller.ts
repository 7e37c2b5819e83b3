import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { Problem } from '@warren/contracts';
import * as z from 'zod';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Post {
  readonly path: string;
  readonly bytes: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
}

const TIMEOUT_MS = 20_000;
const MAX_SOCKETS = 8;
const FORBIDDEN_WORDS = ['stack', ' at /', 'SELECT', 'ECONNREFUSED', 'node_modules', '127.0.0.1'];
const StrictProblem = z.strictObject(Problem.shape);
/** Even with raised limits and a valid token: these would hide what is tested. */
const HIDING = [401, 429];

/** Sends bytes as they are. */
export class HttpCaller {
  readonly #url: string;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });

  constructor(url: string) {
    this.#url = url;
  }

  /** A POST as a client that means well would send it, but for its body. */
  post(post: Post): Promise<Answer> {
    const { bytes, token, headers } = post;
    return this.#send('POST', post.path, bytes, {
      'content-type': 'application/json',
      'content-length': String(bytes.length),
      'idempotency-key': randomUUID(),
      'warren-device-nonce': randomUUID(),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    });
  }

  json(path: string, body: unknown, token?: string): Promise<Answer> {
    return this.post({ path, bytes: Buffer.from(JSON.stringify(body)), ...(token === undefined ? {} : { token }) });
  }

  get(path: string, token: string): Promise<Answer> {
    return this.#send('GET', path, undefined, { authorization: `Bearer ${token}` });
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(method: string, path: string, bytes: Buffer | undefined, headers: Record<string, string>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        this.#url + path,
        { method, headers, agent: this.#agent, timeout: TIMEOUT_MS },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => {
            const body = Buffer.concat(parts).toString('utf8');
            resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', body });
          });
          response.on('error', reject);
        },
      );
      request.on('timeout', () => request.destroy(new Error(`no answer from ${path}`)));
      // after an answer that came before the whole body was sent, this is too late to matter
      request.on('error', reject);
      request.end(bytes);
    });
  }
}

/** Reads the problem document of a refusal. */
export const problemOf = (answer: Answer): Problem => Problem.parse(JSON.parse(answer.body));

/** What is wrong with an answer whatever it answers: hidden by limits, a failure, or a refusal in the wrong form. */
export function faultOf(answer: Answer): string | undefined {
  const { status, type, body } = answer;
  if (status >= 500 || HIDING.includes(status)) return `${status} ${body}`;
  if (status < 400) return undefined;
  if (!type.startsWith('application/problem+json')) return `${status} has type ${type}`;
  const word = FORBIDDEN_WORDS.find((each) => body.includes(each));
  if (word !== undefined) return `${status} tells "${word}": ${body}`;
  const parsed = StrictProblem.safeParse(JSON.parse(body));
  if (!parsed.success) return `${status} is no problem document: ${parsed.error.message}`;
  return parsed.data.status === status ? undefined : `${status} says ${parsed.data.status}`;
}
