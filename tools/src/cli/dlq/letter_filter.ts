import { type DeadLetter, letterQueues } from '@warren/rabbit';
import { ToolError } from '../../tool_error.ts';

/** Which letters an operator means. Every field that is given must fit. */
export interface LetterFilter {
  /** Full names of the queues to look into. */
  readonly queues: readonly string[];
  /** Whether queues were named: then one that is missing is a failure. */
  readonly named: boolean;
  readonly ids: readonly string[];
  readonly source?: string;
  readonly command?: string;
  readonly reason?: string;
  readonly code?: string;
  /** Milliseconds since it was parked, at least and at most. */
  readonly olderThanMs?: number;
  readonly newerThanMs?: number;
}

const UNROUTABLE = 'unroutable';
const TEXT_FIELDS = ['source', 'command', 'reason', 'code'] as const;
const NARROWING = [...TEXT_FIELDS, 'olderThanMs', 'newerThanMs'] as const;

/** `allocator`, `allocator.dead` and `unroutable` as names of queues; all of them when none is given. */
export function queuesNamed(names: readonly string[]): readonly string[] {
  const known = letterQueues();
  return names.length === 0 ? known : [...new Set(names.map((name) => queueNamed(name, known)))];
}

function queueNamed(name: string, known: readonly string[]): string {
  const candidates = name === UNROUTABLE ? [`warren.${UNROUTABLE}`] : [name, `${name}.dead`];
  const found = known.find((queue) => candidates.includes(queue));
  if (found !== undefined) return found;
  throw new ToolError(`There are no dead letters called "${name}". There are ${known.join(', ')}.`, { exitCode: 2 });
}

/** Whether anything narrows the letters down. */
export const isNarrow = (filter: LetterFilter): boolean =>
  filter.named || filter.ids.length > 0 || NARROWING.some((field) => filter[field] !== undefined);

/** @param now epoch milliseconds against which ages are measured */
export function matcherOf(filter: LetterFilter, now: number): (letter: DeadLetter) => boolean {
  const ids = new Set(filter.ids);
  const isAged = ageMatcher(filter, now);
  const fields = TEXT_FIELDS.filter((field) => filter[field] !== undefined);
  return (letter) =>
    (ids.size === 0 || ids.has(letter.messageId)) &&
    fields.every((field) => letter[field] === filter[field]) &&
    isAged(letter);
}

/** A letter without a time is neither old nor new. */
function ageMatcher({ olderThanMs, newerThanMs }: LetterFilter, now: number): (letter: DeadLetter) => boolean {
  if (olderThanMs === undefined && newerThanMs === undefined) return () => true;
  const from = newerThanMs === undefined ? Number.NEGATIVE_INFINITY : now - newerThanMs;
  const to = olderThanMs === undefined ? Number.POSITIVE_INFINITY : now - olderThanMs;
  return ({ parkedAt }) => parkedAt !== undefined && parkedAt >= from && parkedAt <= to;
}
