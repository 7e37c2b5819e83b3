/** A promise that the run did not keep. */
export interface Violation {
  /** `I1` … of docs/reliability.md. */
  readonly invariant: string;
  readonly message: string;
}

export const violation = (invariant: string, message: string): Violation => ({ invariant, message });
