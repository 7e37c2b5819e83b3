import { AppError, currentContext, ERROR_KINDS, type ErrorKind, type FieldFault } from '@warren/kernel';
import { raise } from './rabbit_errors.ts';

/** `type` of a reply: the body is the contract's reply, or an error. */
export const REPLY_OK = 'ok';
export const REPLY_ERROR = 'error';

const MAX_MESSAGE_CHARS = 1_024;
const MAX_FIELDS = 64;
const CODE = /^[A-Z][A-Z0-9_]{2,63}$/;

/** The error body of a reply. Cause and stack stay in the process. */
export function encodeError(error: AppError): Buffer {
  return Buffer.from(
    JSON.stringify({
      code: error.code,
      kind: error.kind,
      message: error.message.slice(0, MAX_MESSAGE_CHARS),
      retryable: error.retryable,
      fields: error.fields?.slice(0, MAX_FIELDS),
      retryAfterSeconds: error.retryAfterSeconds,
      traceId: currentContext()?.trace.traceId,
    }),
  );
}

/** The AppError of the other side: same code, kind and retryable. What is not such a body becomes SERVICE_INTERNAL. */
export function decodeError(body: Buffer): AppError {
  const value = parseObject(body);
  const { code, kind, message, retryable } = value;
  if (typeof code !== 'string' || !CODE.test(code) || !isKind(kind) || typeof message !== 'string') {
    return raise('SERVICE_INTERNAL', { cause: new Error('the reply is not an error body') });
  }
  const fields = decodeFields(value['fields']);
  const seconds = value['retryAfterSeconds'];
  return new AppError(code, message.slice(0, MAX_MESSAGE_CHARS), {
    kind,
    retryable: retryable === true,
    ...(fields === undefined ? {} : { fields }),
    ...(typeof seconds === 'number' && seconds >= 0 ? { retryAfterSeconds: Math.ceil(seconds) } : {}),
  });
}

function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

const isKind = (kind: unknown): kind is ErrorKind => typeof kind === 'string' && Object.hasOwn(ERROR_KINDS, kind);

function decodeFields(value: unknown): FieldFault[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: readonly unknown[] = value.slice(0, MAX_FIELDS);
  return items.filter(isFault);
}

function isFault(item: unknown): item is FieldFault {
  if (typeof item !== 'object' || item === null || !('path' in item) || !('message' in item)) return false;
  return typeof item.path === 'string' && typeof item.message === 'string';
}
