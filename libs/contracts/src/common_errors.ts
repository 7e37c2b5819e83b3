import type { ContractErrors } from './contract.ts';

/** Errors that any call may end in, whatever its contract. */
export const COMMON_ERRORS = {
  REQUEST_INVALID: { kind: 'invalid', message: 'The request does not fit its schema.', retryable: false },
  REQUEST_TOO_LARGE: { kind: 'too_large', message: 'The request is too large.', retryable: false },
  REQUEST_MEDIA_UNSUPPORTED: {
    kind: 'unsupported',
    message: 'Send application/json in UTF-8, not encoded.',
    retryable: false,
  },
  REQUEST_IN_PROGRESS: { kind: 'conflict', message: 'A request with this key is being handled.', retryable: true },
  IDEMPOTENCY_KEY_MISSING: {
    kind: 'invalid',
    message: 'Send an Idempotency-Key, so that a retry is safe.',
    retryable: false,
  },
  IDEMPOTENCY_KEY_REUSED: {
    kind: 'unprocessable',
    message: 'This Idempotency-Key was used with another body.',
    retryable: false,
  },
  COMMAND_UNKNOWN: { kind: 'not_found', message: 'There is no such command.', retryable: false },
  COMMAND_STALE: { kind: 'conflict', message: 'A newer version was applied already.', retryable: false },
  ROUTE_NOT_FOUND: { kind: 'not_found', message: 'There is nothing at this address.', retryable: false },
  ACCESS_UNAUTHENTICATED: {
    kind: 'unauthenticated',
    message: 'Log in first: a valid access token is needed.',
    retryable: false,
  },
  ACCESS_FORBIDDEN: { kind: 'forbidden', message: 'You may not do this.', retryable: false },
  RATE_LIMITED: { kind: 'rate_limited', message: 'Too many requests. Wait and try again.', retryable: true },
  SERVICE_OVERLOADED: { kind: 'unavailable', message: 'The service is busy. Wait and try again.', retryable: true },
  SERVICE_UNAVAILABLE: {
    kind: 'unavailable',
    message: 'The service cannot be reached. Wait and try again.',
    retryable: true,
  },
  SERVICE_LINK_LOST: {
    kind: 'unavailable',
    message: 'The connection was lost. The outcome is unknown; retry with the same key.',
    retryable: true,
  },
  SERVICE_TIMEOUT: {
    kind: 'timeout',
    message: 'No answer in time. The outcome is unknown; retry with the same key.',
    retryable: true,
  },
  SERVICE_INTERNAL: { kind: 'internal', message: 'The service failed to handle the request.', retryable: false },
} as const satisfies ContractErrors;
