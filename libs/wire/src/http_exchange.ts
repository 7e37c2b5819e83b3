import { Problem } from '@warren/contracts';
import { MAX_WAIT_MS } from './retry.ts';
import { aborted, errorOfProblem, WarrenError } from './warren_error.ts';

/** Larger answers are not read to their end; the largest that Warren gives is a heartbeat's, about 2 MB. */
const MAX_RESPONSE_BYTES = 8 * 1024 * 1024;

const NOT_JSON = Symbol('not JSON');
/** Answers of proxies in between that are worth another try; those of Warren say so themselves. */
const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);

export interface Exchange {
  readonly url: string;
  readonly init: Pick<RequestInit, 'method' | 'headers' | 'body'>;
  /** Of the whole exchange, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One request and its JSON answer. @throws WarrenError in every case of failure */
export async function exchange(fetchIt: typeof fetch, { url, init, timeoutMs, signal }: Exchange): Promise<unknown> {
  throwIfAborted(signal);
  // not AbortSignal.any: a signal that lives as long as the program would collect what it was combined with on older Node
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  const timer = setTimeout(onAbort, timeoutMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const response = await fetchIt(url, { ...init, signal: stop.signal, redirect: 'error' });
    return bodyOf(response, parse(await readText(response)));
  } catch (error) {
    if (error instanceof WarrenError) throw error;
    throwIfAborted(signal);
    throw unreachable(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw aborted(signal);
}

function bodyOf(response: Response, body: unknown): unknown {
  if (response.ok && body !== NOT_JSON) return body;
  throw errorOf(response, body);
}

const unreachable = (cause: unknown): WarrenError =>
  new WarrenError(
    'NETWORK_FAILED',
    'The server could not be reached. The outcome is unknown; retry with the same key.',
    {
      retryable: true,
      cause,
    },
  );

function errorOf(response: Response, body: unknown): WarrenError {
  const { status, headers, ok } = response;
  const retryAfterSeconds = secondsOf(headers.get('retry-after'));
  const problem = Problem.safeParse(body);
  if (problem.success && !ok) return errorOfProblem(problem.data, retryAfterSeconds);
  const retryable = ok || status >= 500 || RETRYABLE_STATUS.has(status);
  const message = `The server answered ${status} in a form that is not Warren's.`;
  return new WarrenError('HTTP_UNEXPECTED', message, { status, retryable, retryAfterSeconds });
}

/** Retry-After in both forms of RFC 9110: seconds, or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - Date.now()) / 1_000;
  return Number.isFinite(seconds) ? Math.min(MAX_WAIT_MS / 1_000, Math.max(0, seconds)) : undefined;
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > MAX_RESPONSE_BYTES) {
      await reader.cancel();
      throw new WarrenError('HTTP_UNEXPECTED', `The answer is larger than ${MAX_RESPONSE_BYTES} bytes.`, {
        status: response.status,
      });
    }
    text += decoder.decode(value, { stream: true });
  }
}

function parse(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON;
  }
}
