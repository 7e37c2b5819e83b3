import readline from 'node:readline/promises';
import type { DeadLetter } from '@warren/rabbit';
import type { Clone } from '../../clone/clone.ts';
import { sayPlain } from '../../output.ts';
import { ToolError } from '../../tool_error.ts';
import { plain } from '../plain_text.ts';
import { type DlqOptions, filterOf } from './dlq_options.ts';
import { type DlqSession, INTERRUPTED, inWords, presentQueues, printJson, withOffice } from './dlq_session.ts';
import { holderOf, KeyReleases } from './key_releases.ts';
import { matcherOf } from './letter_filter.ts';
import { LetterTally } from './letter_tally.ts';
import { requireChoice } from './require_choice.ts';

/** The letters are in our hands while somebody thinks; the broker takes them back after 30 minutes. */
const ANSWER_MS = 5 * 60_000;
const YES = 'yes';

interface QueueReport {
  readonly queue: string;
  readonly letters: number;
  readonly dropped: number;
  /** Of the dropped ones, those that held up their keys. */
  readonly released: number;
}

interface Drop {
  readonly options: DlqOptions;
  readonly matches: ReturnType<typeof matcherOf>;
  readonly keys: KeyReleases;
}

/** `warren dlq drop` */
export function dropLetters(clone: Clone, ids: readonly string[], options: DlqOptions): Promise<number> {
  const filter = filterOf(options, ids);
  requireChoice(filter, options, 'drop');
  const asks = options.yes !== true && options.dryRun !== true;
  if (asks && !process.stdin.isTTY)
    throw new ToolError('Nobody can be asked here, because this is no terminal: say --yes.', { exitCode: 2 });
  return withOffice(clone, async (session) => {
    const matches = matcherOf(filter, Date.now());
    const queues = await presentQueues(session.office, filter);
    // a dry run releases nothing, and so needs nobody's database
    const holders = options.dryRun === true ? [] : await holdersIn(session, queues, { options, matches });
    const keys = await KeyReleases.open(clone, holders);
    try {
      const reports: QueueReport[] = [];
      for (const queue of queues) {
        if (!session.signal.aborted) reports.push(await dropFrom(session, queue, { options, matches, keys }));
      }
      if (options.json === true) printJson({ dryRun: options.dryRun === true, queues: reports });
      else for (const report of reports) print(report, options.dryRun === true);
    } finally {
      await keys.close();
    }
    return session.signal.aborted ? INTERRUPTED : 0;
  });
}

/** The services whose keys are held up by letters that are about to go. Looked for in all queues before the first one loses any. */
async function holdersIn(
  { office, signal, note }: DlqSession,
  queues: readonly string[],
  { options, matches }: Omit<Drop, 'keys'>,
): Promise<ReadonlySet<string>> {
  const holders = new Set<string>();
  for (const queue of queues) {
    if (signal.aborted) break;
    note(`reading ${queue}`);
    const onLetter = (letter: DeadLetter): void => {
      const holder = holderOf(letter);
      if (holder !== undefined) holders.add(holder);
    };
    await office.look(queue, { matches, limit: options.limit ?? Number.MAX_SAFE_INTEGER, signal, onLetter });
  }
  return holders;
}

async function dropFrom(
  { office, signal, note }: DlqSession,
  queue: string,
  { options, matches, keys }: Drop,
): Promise<QueueReport> {
  const tally = new LetterTally();
  const holding: DeadLetter[] = [];
  let [would, released] = [0, 0];
  note(`reading ${queue}`);
  const report = await office.drop(queue, {
    // one that came a moment ago may be of another service
    matches: (letter) => matches(letter) && (options.dryRun === true || keys.cover(letter)),
    limit: options.limit ?? Number.MAX_SAFE_INTEGER,
    signal,
    onLetter: (letter) => {
      tally.add(letter);
      if (holderOf(letter) !== undefined) holding.push(letter);
    },
    confirm: async (count) => {
      note('');
      would = count;
      if (options.dryRun === true) return false;
      return options.yes === true || (await agreed(queue, count, { tally, signal }));
    },
    // first: a letter whose row is gone can be dropped again, a row whose letter is gone would block its key for ever
    prepare: async () => {
      released = await keys.release(holding);
    },
  });
  return { queue, ...report, ...(options.dryRun === true ? { dropped: would } : {}), released };
}

async function agreed(
  queue: string,
  count: number,
  { tally, signal }: { readonly tally: LetterTally; readonly signal: AbortSignal },
): Promise<boolean> {
  for (const { command, reason, code, letters } of tally.groups())
    process.stderr.write(`  ${inWords(letters)} × ${plain([command, reason, code].filter(Boolean).join(', '))}\n`);
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
  const interrupted = new AbortController();
  // readline takes Ctrl-C for itself
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  terminal.once('close', () => interrupted.abort());
  try {
    const question = `Delete ${inWords(count)} letters of ${queue} for good? Type ${YES}: `;
    const limits = [signal, interrupted.signal, AbortSignal.timeout(ANSWER_MS)];
    return (await terminal.question(question, { signal: AbortSignal.any(limits) })).trim() === YES;
  } catch {
    process.stderr.write('\n');
    return false;
  } finally {
    terminal.close();
  }
}

function print({ queue, letters, dropped, released }: QueueReport, dryRun: boolean): void {
  if (letters === 0) return;
  const keys = released === 0 ? '' : `, ${inWords(released)} of them hold up their keys no longer`;
  sayPlain(`${queue}: ${inWords(dropped)} of ${inWords(letters)} letters${dryRun ? ' would be' : ''} dropped${keys}`);
}
