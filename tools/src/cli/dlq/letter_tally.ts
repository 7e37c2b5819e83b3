import type { DeadLetter } from '@warren/rabbit';

/** Letters that are alike. */
export interface LetterGroup {
  readonly queue: string;
  readonly source: string;
  readonly command: string;
  readonly reason: string;
  readonly code: string;
  letters: number;
  /** Epoch milliseconds at which the first and the last of them were parked. */
  oldest: number | undefined;
  newest: number | undefined;
}

/** Kinds of letters at most: whoever fills a queue chooses what stands in it. */
const MAX_GROUPS = 500;
const OTHERS = { source: '', command: '(others)', reason: '', code: '' };
const MAX_CELL_CHARS = 60;

const cut = (text: string): string => (text.length <= MAX_CELL_CHARS ? text : `${text.slice(0, MAX_CELL_CHARS - 1)}…`);

/** Counts letters by queue, source, command, reason and code. */
export class LetterTally {
  readonly #groups = new Map<string, LetterGroup>();

  add(letter: DeadLetter): void {
    const group = this.#groupOf(letter);
    group.letters++;
    const { parkedAt } = letter;
    if (parkedAt === undefined) return;
    group.oldest = Math.min(group.oldest ?? parkedAt, parkedAt);
    group.newest = Math.max(group.newest ?? parkedAt, parkedAt);
  }

  /** The largest first. */
  groups(): LetterGroup[] {
    return [...this.#groups.values()].toSorted((a, b) => a.queue.localeCompare(b.queue) || b.letters - a.letters);
  }

  #groupOf(letter: DeadLetter): LetterGroup {
    const { queue } = letter;
    const { source, command, reason, code } = letter;
    const names = { source: cut(source), command: cut(command), reason: cut(reason), code: cut(code) };
    return this.#find(queue, names) ?? this.#find(queue, OTHERS) ?? this.#make(queue, OTHERS);
  }

  #find(queue: string, names: typeof OTHERS): LetterGroup | undefined {
    const found = this.#groups.get(keyOf(queue, names));
    return found ?? (this.#groups.size < MAX_GROUPS ? this.#make(queue, names) : undefined);
  }

  #make(queue: string, names: typeof OTHERS): LetterGroup {
    const group = { queue, ...names, letters: 0, oldest: undefined, newest: undefined };
    this.#groups.set(keyOf(queue, names), group);
    return group;
  }
}

const keyOf = (queue: string, { source, command, reason, code }: typeof OTHERS): string =>
  JSON.stringify([queue, source, command, reason, code]);
