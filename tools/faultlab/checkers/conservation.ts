import { LEASE_LOST } from '@warren/contracts';
import { isAcknowledged, type Story } from '../history/stories.ts';
import type { FinalState } from '../report/final_state.ts';
import { type Violation, violation } from './violation.ts';

const ENDED_BY_ALLOCATOR = new Set(['expired', 'lost']);
const POISON_REASON = 'invalid_payload';

/** What was published was worked off, parked or is still there; in the end nothing is still there (I4). */
export function checkConservation(stories: Iterable<Story>, final: FinalState): Violation[] {
  return [...eventProblems(final), ...deadLetterProblems([...stories], final), ...restProblems(final)];
}

/** Every lease that ended without a release was told to the coordinator: once, whatever was redelivered. */
function eventProblems({ leases, inbox }: FinalState): Violation[] {
  const ended = leases.filter(({ state }) => ENDED_BY_ALLOCATOR.has(state)).length;
  const told = inbox.filter(({ command }) => command === LEASE_LOST.name).length;
  if (ended === told) return [];
  const invariant = told < ended ? 'I4' : 'I3';
  return [violation(invariant, `${ended} leases ended by themselves, the coordinator heard of ${told}`)];
}

function deadLetterProblems(stories: readonly Story[], { deadLetters }: FinalState): Violation[] {
  const poison = stories.filter(({ op }) => op === 'poison');
  const keys = new Set(poison.map(({ key }) => key));
  const parked = Map.groupBy(deadLetters, ({ messageId }) => messageId);
  const problems = poison
    .filter((story) => isAcknowledged(story) && !parked.has(story.key))
    .map(({ key }) => violation('I4', `${key} was taken by the broker and is not among the dead letters`));
  for (const [messageId, letters] of parked) {
    const reasons = new Set(letters.map(({ reason }) => reason));
    if (!keys.has(messageId))
      problems.push(
        violation('I4', `${messageId} was parked (${[...reasons].join(', ')}) though nothing is wrong with it`),
      );
    else if (reasons.size !== 1 || !reasons.has(POISON_REASON))
      problems.push(violation('I4', `${messageId} was parked as ${[...reasons].join(', ')}, not ${POISON_REASON}`));
  }
  return problems;
}

function restProblems({ outbox, queues }: FinalState): Violation[] {
  const rows = Object.entries(outbox).filter(([, count]) => count > 0);
  const waiting = queues.filter(({ name, messages }) => messages > 0 && !name.endsWith('.dead'));
  return [
    ...rows.map(([service, count]) => violation('I4', `the outbox of ${service} still holds ${count} rows`)),
    ...waiting.map(({ name, messages }) => violation('I4', `${name} still holds ${messages} messages`)),
  ];
}
