/**
 * What went wrong, in the one vocabulary that HTTP, RPC and WebSocket share.
 * The kind decides the HTTP status and whether a command is parked, retried or only refused.
 */
export const ERROR_KINDS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  too_large: 413,
  unsupported: 415,
  unprocessable: 422,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
  timeout: 504,
} as const;

export type ErrorKind = keyof typeof ERROR_KINDS;

/** One line of an error table: `<DOMAIN>_<FACT>` → what it means and whether the same call may be sent again. */
interface ErrorSpec {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly retryable: boolean;
}

export type ErrorTable = Readonly<Record<string, ErrorSpec>>;

/** A fault in one field of the input: `path` is dotted (`settings.resource_level`), `message` a sentence for people. */
export interface FieldFault {
  readonly path: string;
  readonly message: string;
}

export interface AppErrorOptions {
  readonly kind: ErrorKind;
  readonly retryable?: boolean;
  readonly fields?: readonly FieldFault[];
  /** Whole seconds after which the same call is worth another try. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** The only error type that crosses a border. `message` is safe to show; the cause stays inside the process. */
export class AppError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly retryable: boolean;
  readonly fields: readonly FieldFault[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: string, message: string, options: AppErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.kind = options.kind;
    this.retryable = options.retryable ?? false;
    this.fields = options.fields;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** HTTP status of this error's kind. */
  get status(): number {
    return ERROR_KINDS[this.kind];
  }
}

export interface RaiseOptions {
  readonly message?: string;
  readonly fields?: readonly FieldFault[];
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** Makes the throwing side of an error table: `raise('AUTH_LOGIN_TAKEN')` returns the AppError to throw. */
export function errorFactory<T extends ErrorTable>(
  table: T,
): (code: keyof T & string, options?: RaiseOptions) => AppError {
  return (code, options = {}) => {
    const spec: ErrorSpec | undefined = table[code];
    if (spec === undefined) throw new TypeError(`the error table has no code ${code}`);
    const { message = spec.message, ...rest } = options;
    return new AppError(code, message, { kind: spec.kind, retryable: spec.retryable, ...rest });
  };
}

/** The one door for unknown throwables: an AppError stays as it is, anything else becomes SERVICE_INTERNAL with its cause kept. */
export function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError('SERVICE_INTERNAL', 'The service failed to handle the request.', { kind: 'internal', cause });
}
