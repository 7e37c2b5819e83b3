import type { ApiChange } from './api_change.ts';

/** A version that goes back: two different things have the same number. */
export function versionChanges(before: unknown, after: unknown, subject: string): ApiChange[] {
  const [old, now] = [numbersOf(before), numbersOf(after)];
  const index = old.findIndex((number, at) => number !== (now[at] ?? 0));
  if (index === -1 || (now[index] ?? 0) > (old[index] ?? 0)) return [];
  return [
    {
      names: [subject, String(after)],
      what: `${subject} has version ${String(after)}, it had ${String(before)}`,
      breaks: 'everybody who relies on a version: numbers only rise',
    },
  ];
}

const numbersOf = (version: unknown): number[] => String(version).split('.').map(Number);
