import { KEY_RETENTION_MS } from '@warren/contracts';
import type { DeadLetter, ReplayReport } from '@warren/rabbit';
import type { Clone } from '../../clone/clone.ts';
import { sayPlain } from '../../output.ts';
import { plain } from '../plain_text.ts';
import { type DlqOptions, filterOf } from './dlq_options.ts';
import { type DlqSession, INTERRUPTED, inWords, presentQueues, printJson, withOffice } from './dlq_session.ts';
import { formatDuration } from './duration.ts';
import { matcherOf } from './letter_filter.ts';
import { requireChoice } from './require_choice.ts';

/** What a letter may still wait in its queue before it is handled. */
const RETENTION_MARGIN_MS = 3_600_000;
const MAX_IDS_SHOWN = 3;

interface QueueReport extends ReplayReport {
  readonly queue: string;
}

/** `warren dlq replay` */
export function replayLetters(clone: Clone, ids: readonly string[], options: DlqOptions): Promise<number> {
  const filter = filterOf(options, ids);
  requireChoice(filter, options, 'replay');
  return withOffice(clone, async (session) => {
    const matches = matcherOf(filter, Date.now());
    const reports: QueueReport[] = [];
    for (const queue of await presentQueues(session.office, filter)) {
      if (session.signal.aborted) break;
      reports.push({ queue, ...(await replayQueue(session, queue, { ...options, matches })) });
    }
    if (options.json === true) printJson({ dryRun: options.dryRun === true, queues: reports });
    else for (const report of reports) print(report, options.dryRun === true);
    if (session.signal.aborted) return INTERRUPTED;
    return reports.every(({ refused, stopped }) => refused === 0 && stopped === undefined) ? 0 : 1;
  });
}

function replayQueue(
  { office, signal, note }: DlqSession,
  queue: string,
  options: DlqOptions & { readonly matches: (letter: DeadLetter) => boolean },
): Promise<ReplayReport> {
  note(`reading ${queue}`);
  return office.replay(queue, {
    matches: options.matches,
    limit: options.limit ?? Number.MAX_SAFE_INTEGER,
    signal,
    dryRun: options.dryRun === true,
    refuse: (letter) => (options.force === true ? undefined : forgotten(letter, Date.now())),
    onProgress: ({ replayed, refused, letters }) =>
      note(`${queue}: ${inWords(replayed)} of ${inWords(letters)} letters replayed, ${inWords(refused)} refused`),
  });
}

/** The inbox of its service does not remember any more whether a letter had its effect. */
function forgotten({ sentAt }: DeadLetter, now: number): string | undefined {
  if (sentAt === undefined) return 'does not say when it was sent, so its effect could be doubled (--force)';
  const age = now - sentAt;
  if (age < KEY_RETENTION_MS - RETENTION_MARGIN_MS) return undefined;
  const remembered = formatDuration(KEY_RETENTION_MS);
  return `was sent more than ${remembered} ago, longer than an inbox remembers: its effect could be doubled (--force)`;
}

function print(report: QueueReport, dryRun: boolean): void {
  const { queue, letters, replayed, refused, refusals, stopped } = report;
  if (letters === 0) return;
  const would = dryRun ? ' would be' : '';
  sayPlain(
    `${queue}: ${inWords(replayed)} of ${inWords(letters)} letters${would} replayed, ${inWords(refused)}${would} refused`,
  );
  const reasons = new Map<string, string[]>();
  for (const { messageId, why } of refusals) reasons.set(why, [...(reasons.get(why) ?? []), messageId]);
  for (const [why, ids] of reasons) {
    const more = ids.length > MAX_IDS_SHOWN ? ' …' : '';
    sayPlain(`  left, ${inWords(ids.length)}: each ${plain(why)}`);
    sayPlain(`    ${ids.slice(0, MAX_IDS_SHOWN).map(plain).join(', ')}${more}`);
  }
  if (refused > refusals.length) sayPlain(`  and ${inWords(refused - refusals.length)} more`);
  if (stopped !== undefined) sayPlain(`  ${plain(stopped)}`);
}
