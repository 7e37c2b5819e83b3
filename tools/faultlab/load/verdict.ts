/** What one attempt ended in, as far as its sender can know. */
export type Verdict =
  | { readonly type: 'ok'; readonly value: unknown }
  /** Not done. `refused`: and it never will be under this key. */
  | { readonly type: 'fail'; readonly code: string; readonly refused: boolean }
  | { readonly type: 'info'; readonly code: string };

/** Codes after which nobody knows what was done. */
const UNKNOWN: ReadonlySet<string> = new Set([
  'SERVICE_TIMEOUT',
  'SERVICE_LINK_LOST',
  'REQUEST_IN_PROGRESS',
  'REQUEST_ABORTED',
  'SERVICE_INTERNAL',
  'NETWORK_FAILED',
  'HTTP_UNEXPECTED',
]);

/** Said of a token that ended, and of every token by a gateway whose clock is wrong: the next attempt may go well. */
const UNAUTHENTICATED = 'ACCESS_UNAUTHENTICATED';

export const unknown = (code: string): Verdict => ({ type: 'info', code });

/** The verdict of an error with its code. */
export function verdictOfError(code: string, retryable: boolean): Verdict {
  if (UNKNOWN.has(code)) return unknown(code);
  return { type: 'fail', code, refused: !retryable && code !== UNAUTHENTICATED };
}
