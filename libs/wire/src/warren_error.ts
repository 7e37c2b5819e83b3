import type { ErrorBody, Problem } from '@warren/contracts';

/** What Warren answered, or why it could not be reached. The same codes over HTTP and WebSocket; see docs/errors.md. */
export class WarrenError extends Error {
  readonly code: string;
  /** HTTP status, or 0 where there was no HTTP answer. */
  readonly status: number;
  /** The same call with the same key may succeed, and is safe. */
  readonly retryable: boolean;
  /** Wait at least this long before the next try, where the server said so. */
  readonly retryAfterSeconds: number | undefined;
  /** Faults of single fields of the request; empty where the error is not about fields. */
  readonly fields: readonly { readonly path: string; readonly message: string }[];
  /** For the operator: the trace of the refused call. */
  readonly traceId: string | undefined;

  constructor(code: string, message: string, details: Partial<Omit<WarrenError, 'code' | 'message'>> = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'WarrenError';
    this.code = code;
    this.status = details.status ?? 0;
    this.retryable = details.retryable ?? false;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.fields = details.fields ?? [];
    this.traceId = details.traceId;
  }
}

export function errorOfProblem(problem: Problem, retryAfterSeconds: number | undefined): WarrenError {
  const { code, detail, status, retryable, traceId, fields = [] } = problem;
  return new WarrenError(code, detail, { status, retryable, retryAfterSeconds, traceId, fields });
}

export function errorOfFrame(body: ErrorBody): WarrenError {
  const { code, message, retryable, retryAfterSeconds, traceId, fields = [] } = body;
  return new WarrenError(code, message, { retryable, retryAfterSeconds, traceId, fields });
}

/** The caller's own signal ended the call. What was sent already may still take effect. */
export const aborted = (signal: AbortSignal): WarrenError =>
  new WarrenError('CALL_ABORTED', 'The call was aborted; its outcome is unknown.', { cause: signal.reason });

/** An answer that does not fit its contract: this program and the server are of versions that do not go together. */
export const unexpectedReply = (name: string, cause: unknown): WarrenError =>
  new WarrenError('REPLY_UNEXPECTED', `The answer to ${name} does not fit its contract.`, { cause });
