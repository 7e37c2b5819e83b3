import type { ApiChange } from './api_change.ts';

/** Changes that are told one by one. */
const MAX_TOLD = 40;

/** What a person at the terminal reads of changes that nobody accepted: what, whom it breaks, what to do. */
export function changeReport(file: string, against: string, changes: readonly ApiChange[]): string[] {
  const told = changes.slice(0, MAX_TOLD);
  const entries = new Set(told.map(({ names }) => `- ${names.map((name) => `\`${name}\``).join(', ')}: …`));
  return [
    `${file}: ${changes.length} breaking ${changes.length === 1 ? 'change' : 'changes'} against ${against}`,
    ...told.flatMap(({ what, breaks }) => [`  ${what}`, `    breaks ${breaks}`]),
    ...(changes.length > told.length ? [`  and ${changes.length - told.length} more`] : []),
    'Keep what is there and add the new beside it: a field that may be left out, a new command, a new path.',
    'To break it all the same, say so under "### Breaking" of [Unreleased] in CHANGELOG.md, in an entry that names',
    ...entries,
    'and run `npm run check -- --fix --accept-breaking`.',
  ];
}
