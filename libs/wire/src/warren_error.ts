import type { ErrorBody, Problem } from '@warren/contracts';

/** What Warren answered, or why it could not be reached. The same codes over HTTP and WebSocket; see docs/errors.md. */
export class WarrenError extends Error {
  readonly code: string;
  /** HTTP status, or 0 where there was no HTTP answer. */
  readonly status: number;
  /** The same call with the same key may succeed, and is safe. */
  readonly retryable: boolean;
  readonly retryAfterSeconds: number | undefined;
  readonly fields: readonly { readonly path: string; readonly message: string }[];
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
