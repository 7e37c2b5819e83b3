import { AppError, toAppError } from '@warren/kernel';
import type { WorkSpan } from '@warren/telemetry';
import { type Fault, faultOf } from '../fault.ts';

/** Every way in which the work on one message can end. Each delivery has exactly one. */
export type Outcome =
  /** Handled: the reply goes out, the message is acked. */
  | { readonly kind: 'done'; readonly value: unknown }
  /** Refused by a rule; final, and the sender's to know. */
  | { readonly kind: 'refused'; readonly error: AppError }
  /** May end better later. */
  | { readonly kind: 'retry'; readonly error: AppError }
  /** The same message is being handled elsewhere: its twin's end decides. */
  | { readonly kind: 'busy'; readonly error: AppError }
  /** An earlier command of its key was parked and has to be decided first. */
  | { readonly kind: 'blocked'; readonly error: AppError }
  /** Nobody can handle it: bad payload, unknown command, a defect. */
  | { readonly kind: 'broken'; readonly error: AppError }
  /** Its deadline passed before the work began: nobody waits any more. */
  | { readonly kind: 'expired' }
  /** The broker has taken it back and gives it to somebody else: nothing we say of it counts. */
  | { readonly kind: 'lost' }
  /** Not begun, or cut short by the service's own end: another replica does it. */
  | { readonly kind: 'handed_back' };

/** A parallel duplicate: its twin holds the message id. */
export const IN_PROGRESS = 'REQUEST_IN_PROGRESS';

/** A command in sequence that is not its key's turn. */
export const KEY_BLOCKED = 'COMMAND_KEY_BLOCKED';

const KIND_OF_CODE: Readonly<Record<string, 'busy' | 'blocked'>> = { [IN_PROGRESS]: 'busy', [KEY_BLOCKED]: 'blocked' };

const KIND_OF_FAULT = { refusal: 'refused', transient: 'retry', defect: 'broken' } as const satisfies Record<
  Fault,
  Outcome['kind']
>;

/** The outcome of a handler that threw. */
export function outcomeOfError(cause: unknown): Outcome {
  const error = toAppError(cause);
  return { kind: KIND_OF_CODE[error.code] ?? KIND_OF_FAULT[faultOf(error)], error };
}

export const leaseLost = (): AppError =>
  new AppError('SERVICE_LINK_LOST', 'The broker has taken the message back.', { kind: 'unavailable', retryable: true });

export const timedOut = (ms: number): AppError =>
  new AppError('SERVICE_TIMEOUT', `The command was not done within ${ms} ms.`, { kind: 'timeout', retryable: true });

export const shuttingDown = (): AppError =>
  new AppError('SERVICE_UNAVAILABLE', 'The service is restarting. Retry with the same key.', {
    kind: 'unavailable',
    retryable: true,
    retryAfterSeconds: 1,
  });

/** The span of a message ends with it; a refusal by a rule is an answer, not a failure. */
export function endSpan(span: WorkSpan, outcome: Outcome): void {
  if (outcome.kind === 'retry' || outcome.kind === 'broken') span.fail(outcome.error.code);
  else if (outcome.kind === 'handed_back' || outcome.kind === 'expired') span.fail(outcome.kind);
  span.end();
}
