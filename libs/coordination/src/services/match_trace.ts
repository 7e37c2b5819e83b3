import { continueTrace, currentContext, parseTraceparent, runInContext } from '@warren/kernel';
import { startSpan } from '@warren/telemetry';

/** Runs `work` as a hop of the match's trace: its log lines, calls and outbox rows carry the match's trace id. */
export function inMatchTrace<T>(
  match: { readonly trace: string },
  work: () => T,
  command = currentContext()?.command,
): T {
  const span = startSpan({ role: 'internal', name: command ?? 'match', parent: parseTraceparent(match.trace) });
  const trace = span?.trace ?? continueTrace(match.trace);
  const result = runInContext({ trace, ...(command === undefined ? {} : { command }) }, work);
  const end = (): void => span?.end();
  if (result instanceof Promise) result.then(end, end);
  else end();
  return result;
}

export const traceIdOf = (traceparent: string): string => continueTrace(traceparent).traceId;
