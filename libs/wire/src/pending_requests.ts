import { aborted, WarrenError } from './warren_error.ts';

interface Pending {
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: WarrenError) => void;
  readonly end: () => void;
}

/** Requests of one connection that may wait for their replies at once. */
const MAX_PENDING = 256;

/** Requests that wait for their replies; each ends exactly once. */
export class PendingRequests {
  readonly #entries = new Map<string, Pending>();

  get size(): number {
    return this.#entries.size;
  }

  /** Waits for the reply to `id`. @throws WarrenError CLIENT_BUSY, SERVICE_TIMEOUT, CALL_ABORTED, or what `fail` gives */
  wait(id: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#entries.size >= MAX_PENDING) return reject(busy());
      const onAbort = (): void => {
        if (signal !== undefined) this.fail(id, aborted(signal));
      };
      const timer = setTimeout(() => this.fail(id, timedOut()), timeoutMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      this.#entries.set(id, { resolve, reject, end });
    });
  }

  settle(id: string, payload: unknown): void {
    this.#take(id)?.resolve(payload);
  }

  fail(id: string, error: WarrenError): void {
    this.#take(id)?.reject(error);
  }

  /** The link is gone: no reply can come any more. */
  failAll(): void {
    for (const id of Array.from(this.#entries.keys())) this.fail(id, lost());
  }

  #take(id: string): Pending | undefined {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    entry?.end();
    return entry;
  }
}

const busy = (): WarrenError =>
  new WarrenError('CLIENT_BUSY', 'Too many requests wait for a reply.', { retryable: true });
const timedOut = (): WarrenError =>
  new WarrenError('SERVICE_TIMEOUT', 'No answer in time. The outcome is unknown; retry with the same key.', {
    retryable: true,
  });
const lost = (): WarrenError =>
  new WarrenError('CONNECTION_LOST', 'The connection was lost. The outcome is unknown; retry with the same key.', {
    retryable: true,
  });
