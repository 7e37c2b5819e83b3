import { COMMON_ERRORS } from '@warren/contracts';
import { type AppError, errorFactory } from '@warren/kernel';

const raise = errorFactory(COMMON_ERRORS);

/**
 * The one answer to every bad token. Outside nobody learns which check failed; the reason stays in `cause` for the log.
 */
export const refuseToken = (reason: string, cause?: unknown): AppError =>
  raise('ACCESS_UNAUTHENTICATED', { cause: new Error(reason, { cause }) });

/** The keys cannot be had, so nothing is known about the token: the caller may try again. */
export const keysUnavailable = (cause: unknown): AppError =>
  raise('SERVICE_UNAVAILABLE', { retryAfterSeconds: 1, cause });
