import type { HistoryEvent } from '../history/history.ts';
import { isOpen, type Story } from '../history/stories.ts';
import { type Violation, violation } from './violation.ts';

/** A caller waits five seconds; an answer «no answer in time» that comes much earlier is a lie about time. */
const EARLIEST_TIMEOUT_MS = 3_500;
const TIMEOUT = 'SERVICE_TIMEOUT';
/** Operations whose repeated answers may differ because the thing itself has moved on. */
const STATEFUL = /^(allocator\.|poison)/;

/** Refusals that the load may meet: a player whose ticket is live already, a lease that ran out before it was confirmed. */
const EXPECTED_REFUSALS: ReadonlySet<string> = new Set(['COORDINATOR_TICKET_ACTIVE', 'ALLOCATOR_LEASE_ENDED']);

/** What nobody knew is known in the end, and the same key always has the same answer (I5). */
export function checkAnswers(stories: Iterable<Story>, unsettled: readonly string[]): Violation[] {
  const problems = unsettled.map((key) => violation('I6', `${key} was tried until the end and never succeeded`));
  for (const story of stories) {
    if (isOpen(story)) problems.push(violation('I5', `what became of ${story.key} was never known`));
    if (story.values.length > 0 && story.refusals.length > 0)
      problems.push(violation('I5', `${story.key} was acknowledged and refused (${story.refusals.join(', ')})`));
    const odd = story.refusals.filter((code) => !EXPECTED_REFUSALS.has(code));
    if (odd.length > 0) problems.push(violation('I5', `${story.key} was refused: ${odd.join(', ')}`));
    if (STATEFUL.test(story.op)) continue;
    const answers = new Set(story.values.map((value) => JSON.stringify(value)));
    if (answers.size > 1) problems.push(violation('I5', `${story.key} has two answers: ${[...answers].join(' and ')}`));
  }
  return problems;
}

/** Time runs by the monotonic clock: whatever the wall clock does, nothing times out before its time. */
export function checkTimeouts(history: readonly HistoryEvent[]): Violation[] {
  const invokedAt = new Map<string, number>();
  const problems: Violation[] = [];
  for (const { key, attempt, type, code, t_mono: at } of history) {
    const id = `${key}#${attempt}`;
    if (type === 'invoke') invokedAt.set(id, at);
    else {
      const took = at - (invokedAt.get(id) ?? at);
      invokedAt.delete(id);
      if (code === TIMEOUT && took < EARLIEST_TIMEOUT_MS)
        problems.push(violation('I5', `${key} timed out after ${Math.round(took)} ms`));
    }
  }
  return problems;
}
