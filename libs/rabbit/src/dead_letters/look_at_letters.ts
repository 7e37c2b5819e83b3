import type { DeadLetter } from './dead_letter.ts';
import type { LetterDesk } from './letter_desk.ts';
import { type LetterQuery, lettersIn, passOver } from './letter_pass.ts';

export interface LookReport {
  /** Letters in the queue. */
  readonly letters: number;
  readonly matched: number;
}

/** Shows the letters that match, in the order of their queue, and leaves everything as it was. */
export async function lookAtLetters(
  desk: LetterDesk,
  queue: string,
  query: LetterQuery & { readonly onLetter: (letter: DeadLetter) => void },
): Promise<LookReport> {
  const letters = await lettersIn(desk, queue);
  let matched = 0;
  const sort = (letter: DeadLetter): 'pass' => {
    if (matched < query.limit && !query.signal.aborted && query.matches(letter)) {
      matched++;
      query.onLetter(letter);
    }
    return 'pass';
  };
  if (letters > 0) await passOver(desk, { queue, expected: letters, sort }, () => undefined);
  return { letters, matched };
}
