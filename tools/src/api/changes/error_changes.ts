import type { ApiChange } from './api_change.ts';

/** What a program decides by. */
export interface ErrorFacts {
  readonly status: number;
  readonly retryable: boolean;
}

/** The error codes of each operation or command. */
export type ErrorsBySubject = ReadonlyMap<string, ReadonlyMap<string, ErrorFacts>>;

/** Subjects that are told by name; of more only the number. */
const MAX_SUBJECTS = 3;

/** Codes that are gone, and codes whose status or `retryable` is another. One change per code, however many carry it. */
export function errorChanges(before: ErrorsBySubject, after: ErrorsBySubject): ApiChange[] {
  const found = new Map<string, { readonly change: ApiChange; readonly subjects: string[] }>();
  for (const [subject, codes] of before) {
    const now = after.get(subject);
    if (now === undefined) continue;
    for (const [code, facts] of codes) {
      const change = changeOf(code, facts, now.get(code));
      if (change === undefined) continue;
      const known = found.get(change.what) ?? { change, subjects: [] };
      known.subjects.push(subject);
      found.set(change.what, known);
    }
  }
  return [...found.values()].map(({ change, subjects }) => ({
    ...change,
    what: `${listed(subjects)}: ${change.what}`,
    names: [...(subjects.length === 1 ? subjects : []), ...change.names],
  }));
}

function changeOf(code: string, before: ErrorFacts, after: ErrorFacts | undefined): ApiChange | undefined {
  const breaks = `programs that decide by ${code}: a code never changes its meaning`;
  if (after === undefined) return { names: [code], what: `the error ${code} is gone`, breaks };
  if (before.status !== after.status)
    return { names: [code], what: `the error ${code} has status ${after.status}, it was ${before.status}`, breaks };
  if (before.retryable === after.retryable) return undefined;
  return { names: [code], what: `the error ${code} is ${after.retryable ? 'retryable' : 'not retryable'} now`, breaks };
}

function listed(subjects: readonly string[]): string {
  const some = subjects.slice(0, MAX_SUBJECTS).join(', ');
  return subjects.length > MAX_SUBJECTS ? `${some} and ${subjects.length - MAX_SUBJECTS} more` : some;
}
