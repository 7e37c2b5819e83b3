import type { Clone } from '../../clone/clone.ts';
import { sayPlain } from '../../output.ts';
import { type DlqOptions, filterOf } from './dlq_options.ts';
import { type DlqSession, INTERRUPTED, inWords, presentQueues, printJson, withOffice } from './dlq_session.ts';
import { formatDuration } from './duration.ts';
import { matcherOf } from './letter_filter.ts';
import { type LetterGroup, LetterTally } from './letter_tally.ts';
import { tableLines } from './table.ts';

const COLUMNS = [
  { head: 'QUEUE' },
  { head: 'FROM' },
  { head: 'COMMAND' },
  { head: 'REASON' },
  { head: 'CODE' },
  { head: 'LETTERS', align: 'right' },
  { head: 'OLDEST', align: 'right' },
  { head: 'NEWEST', align: 'right' },
] as const;

interface Totals {
  letters: number;
  matched: number;
}

/** `warren dlq list` */
export function listLetters(clone: Clone, options: DlqOptions): Promise<number> {
  const filter = filterOf(options);
  return withOffice(clone, async (session) => {
    const now = Date.now();
    const tally = new LetterTally();
    const totals: Totals = { letters: 0, matched: 0 };
    const matches = matcherOf(filter, now);
    for (const queue of await presentQueues(session.office, filter))
      await addQueue(session, queue, { matches, limit: options.limit ?? Number.MAX_SAFE_INTEGER, tally, totals });
    if (options.json === true) printJson({ ...totals, groups: tally.groups().map(jsonOf) });
    else print(tally.groups(), totals, now);
    return session.signal.aborted ? INTERRUPTED : 0;
  });
}

interface Counting {
  readonly matches: ReturnType<typeof matcherOf>;
  readonly limit: number;
  readonly tally: LetterTally;
  readonly totals: Totals;
}

async function addQueue({ office, signal, note }: DlqSession, queue: string, counting: Counting): Promise<void> {
  const { matches, limit, tally, totals } = counting;
  if (signal.aborted) return;
  let seen = 0;
  note(`reading ${queue}`);
  const report = await office.look(queue, {
    matches,
    limit,
    signal,
    onLetter: (letter) => {
      tally.add(letter);
      note(`reading ${queue}: ${inWords(++seen)} letters so far`);
    },
  });
  totals.letters += report.letters;
  totals.matched += report.matched;
}

function print(groups: readonly LetterGroup[], { letters, matched }: Totals, now: number): void {
  if (groups.length > 0)
    for (const line of tableLines(
      COLUMNS,
      groups.map((group) => rowOf(group, now)),
    ))
      sayPlain(line);
  sayPlain(matched === letters ? `${inWords(letters)} letters` : `${inWords(matched)} of ${inWords(letters)} letters`);
}

function rowOf(group: LetterGroup, now: number): string[] {
  const { queue, source, command, reason, code, letters, oldest, newest } = group;
  const age = (at: number | undefined): string => (at === undefined ? '' : formatDuration(now - at));
  return [queue, source, command, reason, code, inWords(letters), age(oldest), age(newest)];
}

function jsonOf({ oldest, newest, ...rest }: LetterGroup): Record<string, unknown> {
  const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
  return { ...rest, oldest: iso(oldest), newest: iso(newest) };
}
