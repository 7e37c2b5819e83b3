import type { AppError } from '@warren/kernel';

/**
 * The three ways in which work fails, told apart by the error's type alone.
 * - `refusal`: a rule said no. Final, and the sender's to know; trying again changes nothing.
 * - `transient`: may end better later, such as a store that is away. Retryable errors, timeouts among them.
 * - `defect`: ours to mend. Errors of the kind `internal` that are not retryable, and whatever is thrown without being an
 *   AppError.
 */
export type Fault = 'refusal' | 'transient' | 'defect';

export function faultOf(error: AppError): Fault {
  if (error.retryable) return 'transient';
  return error.kind === 'internal' ? 'defect' : 'refusal';
}
