import { COMMON_ERRORS, type Problem } from '@warren/contracts';
import { AppError, errorFactory, toAppError } from '@warren/kernel';

export const commonError = errorFactory(COMMON_ERRORS);
export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The RFC 9457 body of an error. `title` is the fixed text of the code, `detail` says it of this request. */
export function toProblem(error: AppError, traceId: string): Problem {
  const known: Readonly<Record<string, { readonly message: string }>> = COMMON_ERRORS;
  return {
    type: `urn:warren:error:${error.code}`,
    title: (Object.hasOwn(known, error.code) ? known[error.code]?.message : undefined) ?? error.message,
    status: error.status,
    code: error.code,
    detail: error.message,
    retryable: error.retryable,
    traceId,
    ...(error.fields === undefined ? {} : { fields: [...error.fields] }),
  };
}

/** Fastify's own refusals in our words; whatever is not listed is judged by its status. */
const FASTIFY_CODES: Readonly<Record<string, () => AppError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: () => commonError('REQUEST_TOO_LARGE'),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => commonError('REQUEST_MEDIA_UNSUPPORTED'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    commonError('REQUEST_INVALID', { message: 'Content-Length does not fit the body.' }),
  FST_ERR_BAD_URL: () => commonError('REQUEST_INVALID', { message: 'The address is not a valid path.' }),
};

/** Statuses of plugins whose codes are not listed. */
const BY_STATUS: Readonly<Record<number, () => AppError>> = {
  404: () => commonError('ROUTE_NOT_FOUND'),
  413: () => commonError('REQUEST_TOO_LARGE'),
  415: () => commonError('REQUEST_MEDIA_UNSUPPORTED'),
};

/** The AppError of whatever was thrown while a request was handled. */
export function errorOfRequest(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const { code = '', statusCode = 0 } = shapeOf(thrown);
  const known = (Object.hasOwn(FASTIFY_CODES, code) ? FASTIFY_CODES[code] : undefined) ?? BY_STATUS[statusCode];
  if (known !== undefined) return known();
  if (statusCode < 400 || statusCode >= 500) return toAppError(thrown);
  return commonError('REQUEST_INVALID', { message: 'The request could not be read.', cause: thrown });
}

function shapeOf(thrown: unknown): { readonly code?: string; readonly statusCode?: number } {
  if (typeof thrown !== 'object' || thrown === null) return {};
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
  const statusCode = 'statusCode' in thrown && typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
  return { ...(code === undefined ? {} : { code }), ...(statusCode === undefined ? {} : { statusCode }) };
}
