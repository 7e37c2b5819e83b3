import { AckFrame, AuthFrame, RequestFrame, ResumeFrame } from '@warren/contracts';
import { commonError } from '@warren/http';
import { type AppError, parseJson, toAppError } from '@warren/kernel';
import type * as z from 'zod';

export type ClientFrame =
  | { readonly kind: 'auth'; readonly ticket: string }
  | { readonly kind: 'request'; readonly request: RequestFrame }
  | { readonly kind: 'ack'; readonly seq: number }
  | { readonly kind: 'resume'; readonly session: string; readonly lastSeq: number }
  /** Not understood; with the id of the request where it has a usable one. */
  | { readonly kind: 'fault'; readonly error: AppError; readonly id?: string };

const MAX_ID_CHARS = 64;

/** Reads one text frame of a client. Never throws. */
export function readFrame(data: Buffer): ClientFrame {
  let value: unknown;
  try {
    value = parseJson(data);
  } catch (error) {
    return { kind: 'fault', error: toAppError(error) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault('A frame is a JSON object.');
  if ('id' in value) return readRequest(value);
  if ('ack' in value) return readAs(AckFrame, value, ({ ack }) => ({ kind: 'ack', seq: ack }));
  if ('resume' in value) return readAs(ResumeFrame, value, ({ resume }) => ({ kind: 'resume', ...resume }));
  if ('auth' in value) return readAs(AuthFrame, value, ({ auth }) => ({ kind: 'auth', ticket: auth.ticket }));
  return fault('A frame has one of id, ack, resume and auth.');
}

function readRequest(value: { readonly id: unknown }): ClientFrame {
  const parsed = readAs(RequestFrame, value, (request): ClientFrame => ({ kind: 'request', request }));
  const { id } = value;
  const usable = typeof id === 'string' && id.length > 0 && id.length <= MAX_ID_CHARS;
  return parsed.kind === 'fault' && usable ? { ...parsed, id } : parsed;
}

function readAs<S extends z.ZodType>(
  schema: S,
  value: unknown,
  shape: (data: z.output<S>) => ClientFrame,
): ClientFrame {
  const result = schema.safeParse(value);
  if (result.success) return shape(result.data);
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  return fault(
    `The frame does not fit: ${path === '' ? '' : `${path}: `}${issue?.message ?? 'unknown reason'}`.slice(0, 200),
  );
}

/** A frame that is not understood, or not here. */
export const fault = (message: string): ClientFrame & { readonly kind: 'fault' } => ({
  kind: 'fault',
  error: commonError('REQUEST_INVALID', { message }),
});
