import type { DeadLetter } from './dead_letter.ts';
import type { LetterQuery } from './letter_pass.ts';

interface ReplayProgress {
  readonly replayed: number;
  readonly refused: number;
  /** Letters in the queue at the start. */
  readonly letters: number;
}

export interface ReplayOptions extends LetterQuery {
  /** A reason of the caller's own not to replay a letter: the end of the sentence "letter … stays: it …". */
  readonly refuse: (letter: DeadLetter) => string | undefined;
  /** Says what would be done, and publishes nothing. */
  readonly dryRun: boolean;
  /** Called after every letter. */
  readonly onProgress: (progress: ReplayProgress) => void;
}

export interface RefusedLetter {
  readonly messageId: string;
  readonly command: string;
  readonly why: string;
}

export interface ReplayReport {
  readonly letters: number;
  readonly replayed: number;
  readonly refused: number;
  /** The first thousand of them. */
  readonly refusals: readonly RefusedLetter[];
  /** Why not everything was tried; a sentence. */
  readonly stopped: string | undefined;
}
