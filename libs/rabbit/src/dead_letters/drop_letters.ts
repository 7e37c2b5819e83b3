import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { raise } from '../rabbit_errors.ts';
import type { DeadLetter } from './dead_letter.ts';
import type { LetterDesk } from './letter_desk.ts';
import { type LetterQuery, lettersIn, passOver } from './letter_pass.ts';

export interface DropOptions extends LetterQuery {
  /** Called for each letter that is about to be dropped. */
  readonly onLetter: (letter: DeadLetter) => void;
  /** Asked while the letters are in our hands: what was seen is what goes. */
  readonly confirm: (count: number) => Promise<boolean>;
  /** What has to be done before they go. When it rejects, they stay. */
  readonly prepare?: () => Promise<void>;
}

export interface DropReport {
  /** Letters in the queue before. */
  readonly letters: number;
  readonly dropped: number;
}

/** Passes over what came back, at most: each of them removes some of it. */
const MAX_RETURNS = 10;
const ACK_MS = 200;

/**
 * Deletes the letters that match, for good. Those that come in after the start stay.
 * @throws AppError DEAD_LETTERS_BUSY when the broker gave confirmed letters back again and again
 */
export async function dropLetters(desk: LetterDesk, queue: string, options: DropOptions): Promise<DropReport> {
  const { matches, limit, signal, onLetter, confirm, prepare } = options;
  const letters = await lettersIn(desk, queue);
  if (letters === 0) return { letters, dropped: 0 };
  const marked: string[] = [];
  const sort = (letter: DeadLetter): 'mark' | 'pass' => {
    if (marked.length >= limit || !matches(letter)) return 'pass';
    marked.push(identityOf(letter));
    onLetter(letter);
    return 'mark';
  };
  const dropped = await passOver(desk, { queue, expected: letters, sort }, async (round) => {
    if (marked.length > 0 && !signal.aborted && (await confirm(marked.length)) && !signal.aborted) {
      await prepare?.();
      round.removeMarked();
    }
    return round.removed;
  });
  if (dropped > 0) await dropReturned(desk, queue, { letters, marked });
  return { letters, dropped };
}

/** A busy queue may have missed some of the acks; see putBack. What was confirmed and came back goes once more. */
async function dropReturned(
  desk: LetterDesk,
  queue: string,
  { letters, marked }: { letters: number; marked: readonly string[] },
): Promise<void> {
  for (let tries = 0; tries < MAX_RETURNS; tries++) {
    const ready = await lettersIn(desk, queue);
    // nothing came back, for nobody else takes anything out
    if (ready <= letters - marked.length) return;
    const left = countsOf(marked);
    const sort = (letter: DeadLetter): 'mark' | 'pass' =>
      wasDelivered(letter) && takeOne(left, identityOf(letter)) ? 'mark' : 'pass';
    // what came back is before everything that came in later
    const returned = await passOver(desk, { queue, expected: Math.min(ready, letters), sort }, async (round) => {
      round.removeMarked();
      // the channel hands on more of them in the meantime
      await delay(ACK_MS);
      return round.removed;
    });
    if (returned === 0) return;
  }
  throw raise('DEAD_LETTERS_BUSY', {
    message: `The broker gave letters of ${queue} back that were dropped: it is too busy. Run it again.`,
  });
}

/** Letters that come in during the drop have not been in anybody's hands. */
const wasDelivered = ({ headers }: DeadLetter): boolean => Number(headers['x-delivery-count'] ?? 0) > 0;

function identityOf({ messageId, sentAt, parkedAt, body }: DeadLetter): string {
  return createHash('sha256')
    .update(JSON.stringify([messageId, sentAt, parkedAt]))
    .update(body)
    .digest('base64');
}

function countsOf(identities: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const identity of identities) counts.set(identity, (counts.get(identity) ?? 0) + 1);
  return counts;
}

function takeOne(counts: Map<string, number>, identity: string): boolean {
  const count = counts.get(identity) ?? 0;
  if (count > 0) counts.set(identity, count - 1);
  return count > 0;
}
