import readline from 'node:readline/promises';
import type { Clone } from '../../clone/clone.ts';
import { sayPlain } from '../../output.ts';
import { ToolError } from '../../tool_error.ts';
import { type DlqOptions, filterOf } from './dlq_options.ts';
import { type DlqSession, INTERRUPTED, inWords, presentQueues, printJson, withOffice } from './dlq_session.ts';
import { matcherOf } from './letter_filter.ts';
import { LetterTally } from './letter_tally.ts';
import { plain } from './plain_text.ts';
import { requireChoice } from './require_choice.ts';

/** The letters are in our hands while somebody thinks; the broker takes them back after 30 minutes. */
const ANSWER_MS = 5 * 60_000;
const YES = 'yes';

interface QueueReport {
  readonly queue: string;
  readonly letters: number;
  readonly dropped: number;
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
    const reports: QueueReport[] = [];
    for (const queue of await presentQueues(session.office, filter)) {
      if (session.signal.aborted) break;
      reports.push({ queue, ...(await dropFrom(session, queue, { ...options, matches })) });
    }
    if (options.json === true) printJson({ dryRun: options.dryRun === true, queues: reports });
    else for (const report of reports) print(report, options.dryRun === true);
    return session.signal.aborted ? INTERRUPTED : 0;
  });
}

async function dropFrom(
  { office, signal, note }: DlqSession,
  queue: string,
  options: DlqOptions & { readonly matches: ReturnType<typeof matcherOf> },
): Promise<{ readonly letters: number; readonly dropped: number }> {
  const tally = new LetterTally();
  let would = 0;
  note(`reading ${queue}`);
  const report = await office.drop(queue, {
    matches: options.matches,
    limit: options.limit ?? Number.MAX_SAFE_INTEGER,
    signal,
    onLetter: (letter) => tally.add(letter),
    confirm: async (count) => {
      note('');
      would = count;
      if (options.dryRun === true) return false;
      return options.yes === true || (await agreed(queue, count, { tally, signal }));
    },
  });
  return options.dryRun === true ? { ...report, dropped: would } : report;
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

function print({ queue, letters, dropped }: QueueReport, dryRun: boolean): void {
  if (letters > 0)
    sayPlain(`${queue}: ${inWords(dropped)} of ${inWords(letters)} letters${dryRun ? ' would be' : ''} dropped`);
}
