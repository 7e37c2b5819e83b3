import type { AppError } from '@warren/kernel';

/** Thrown by a handler whose refusal has an effect that must stay: the transaction commits, then the caller is refused. */
export class CommittedRefusal extends Error {
  readonly refusal: AppError;

  constructor(refusal: AppError) {
    super(refusal.message, { cause: refusal });
    this.name = 'CommittedRefusal';
    this.refusal = refusal;
  }
}
