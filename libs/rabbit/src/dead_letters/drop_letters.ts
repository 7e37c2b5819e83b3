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

/** Deletes the letters that match, for good. Those that come in after the start stay. */
export async function dropLetters(desk: LetterDesk, queue: string, options: DropOptions): Promise<DropReport> {
  const { matches, limit, signal, onLetter, confirm, prepare } = options;
  const letters = await lettersIn(desk, queue);
  if (letters === 0) return { letters, dropped: 0 };
  let marked = 0;
  const sort = (letter: DeadLetter): 'mark' | 'pass' => {
    if (marked >= limit || !matches(letter)) return 'pass';
    marked++;
    onLetter(letter);
    return 'mark';
  };
  return passOver(desk, { queue, expected: letters, sort }, async (round) => {
    if (marked > 0 && !signal.aborted && (await confirm(marked)) && !signal.aborted) {
      await prepare?.();
      round.removeMarked();
    }
    return { letters, dropped: round.removed };
  });
}
