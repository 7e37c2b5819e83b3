import type { ErrorBody, GapFrame, GoodbyeFrame, ResumedFrame, WelcomeFrame } from '@warren/contracts';
import { textFrame } from '@warren/http';
import type { AppError } from '@warren/kernel';
import type * as z from 'zod';
import type { RingEvent } from '../push/event_ring.ts';

/** Frames of the server, ready to be written. */
export type Frame = Buffer;

type Control =
  | z.output<typeof WelcomeFrame>
  | z.output<typeof GapFrame>
  | z.output<typeof ResumedFrame>
  | z.output<typeof GoodbyeFrame>;

export const controlFrame = (control: Control): Frame => textFrame(JSON.stringify(control));

/** A reply without a value still has a payload: JSON knows no undefined. */
export const replyFrame = (id: string, value: unknown): Frame =>
  textFrame(JSON.stringify({ id, ok: true, payload: value ?? null }));

export const errorFrame = (id: string, error: AppError, traceId: string): Frame =>
  textFrame(JSON.stringify({ id, ok: false, error: errorBody(error, traceId) }));

export const faultFrame = (error: AppError, traceId: string): Frame =>
  textFrame(JSON.stringify({ error: errorBody(error, traceId) }));

/** The payload is JSON text already: it goes out as it came in. */
export const eventFrame = (event: RingEvent): Frame =>
  textFrame(`{"seq":${event.seq},"type":${JSON.stringify(event.type)},"payload":${event.payload}}`);

function errorBody(error: AppError, traceId: string): ErrorBody {
  return {
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    traceId,
    ...(error.fields === undefined ? {} : { fields: [...error.fields] }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
  };
}
