import type { ApiChange } from './api_change.ts';

const RELEASE = /^## /;
const UNRELEASED = /^## \[?unreleased\]?/i;
const SECTION = /^### /;
const BREAKING = /^### breaking\b/i;
const ENTRY = /^[-*] /;

/** The entries below "Breaking" of the part that is not released yet, each as one text. */
export function breakingEntries(changelog: string): string[] {
  const lines = changelog.split('\n');
  const begin = lines.findIndex((line) => UNRELEASED.test(line));
  if (begin === -1) return [];
  const rest = lines.slice(begin + 1);
  const end = rest.findIndex((line) => RELEASE.test(line));
  const entries: string[] = [];
  let isBreaking = false;
  for (const line of end === -1 ? rest : rest.slice(0, end)) {
    if (SECTION.test(line)) isBreaking = BREAKING.test(line);
    else if (isBreaking && ENTRY.test(line)) entries.push(line);
    else if (isBreaking && entries.length > 0) entries.push(`${entries.pop() ?? ''} ${line.trim()}`);
  }
  return entries;
}

/** Changes that no entry names: one entry has to hold every name of a change in backticks. */
export function unacceptedChanges(changes: readonly ApiChange[], changelog: string): ApiChange[] {
  const entries = breakingEntries(changelog);
  return changes.filter(({ names }) => !entries.some((entry) => names.every((name) => entry.includes(`\`${name}\``))));
}
