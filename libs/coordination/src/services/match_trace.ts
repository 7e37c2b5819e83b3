import { continueTrace, currentContext, runInContext } from '@warren/kernel';

/** Runs `work` as a hop of the match's trace: its log lines, calls and outbox rows carry the match's trace id. */
export function inMatchTrace<T>(
  match: { readonly trace: string },
  work: () => T,
  command = currentContext()?.command,
): T {
  return runInContext({ trace: continueTrace(match.trace), ...(command === undefined ? {} : { command }) }, work);
}

export const traceIdOf = (traceparent: string): string => continueTrace(traceparent).traceId;
