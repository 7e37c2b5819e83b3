import type { HistoryEvent } from '../history/history.ts';
import type { FaultRecord } from '../schedule/play_timeline.ts';
import { AMBIENT } from './recovery.ts';
import { type Violation, violation } from './violation.ts';

/** What a caller hears when the process that worked for it went away without an answer. */
const LOST_WORK: ReadonlySet<string> = new Set(['SERVICE_TIMEOUT', 'SERVICE_LINK_LOST']);
/** A caller waits this long before it gives up: an answer that is lost now is missed then. */
const AFTER_MS = 7_000;

/** A process that is told to end finishes what it has begun: nobody waits for an answer that never comes. */
export function checkRolling(history: readonly HistoryEvent[], faults: readonly FaultRecord[]): Violation[] {
  const lost = history.filter(({ type, code = '' }) => type === 'info' && LOST_WORK.has(code));
  return faults.flatMap((fault) => {
    const { id, kind, target, begunAt, healedAt } = fault;
    const until = healedAt + AFTER_MS;
    const isAlone = faults.every(
      (other) =>
        other === fault || other.kind === AMBIENT || other.begunAt > until || other.healedAt + AFTER_MS < begunAt,
    );
    if (kind !== 'process.term' || !isAlone) return [];
    const missed = lost.filter(({ t_mono: at }) => at > begunAt && at < until).length;
    return missed === 0
      ? []
      : [violation('I6', `#${id}: ${target} was told to end, and ${missed} callers got no answer`)];
  });
}
