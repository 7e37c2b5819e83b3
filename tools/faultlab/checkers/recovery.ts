import type { HistoryEvent } from '../history/history.ts';
import type { FaultRecord } from '../schedule/play_timeline.ts';
import { type Violation, violation } from './violation.ts';

/** One attempt, from its begin to its end. */
export interface Attempt {
  readonly op: string;
  readonly from: number;
  readonly to: number;
  /** The answer was known: done, or refused for good. */
  readonly ok: boolean;
}

export interface RecoveryBounds {
  /** From the heal of a fault to the next success of every operation, milliseconds. */
  readonly firstSuccessMs: number;
  /** From here on after a heal the system is calm again, milliseconds. */
  readonly calmAfterMs: number;
  /** Share of attempts that succeed at once while all is calm. */
  readonly calmSuccess: number;
  /** How much slower the slowest percent may be in the last calm than in the first. */
  readonly slowdown: number;
}

const P99 = 0.99;
/** Below this nobody notices a difference, and the machine alone makes one. */
const FAST_ENOUGH_MS = 1_500;
/** A few attempts say nothing about a share. */
const LEAST_ATTEMPTS = 50;

/** Another attempt under the same key is under way, as it should be for a call that is made twice: that one counts. */
const TWIN = 'REQUEST_IN_PROGRESS';

export function attemptsOf(history: readonly HistoryEvent[]): Attempt[] {
  const begun = new Map<string, number>();
  const attempts: Attempt[] = [];
  for (const { key, attempt, type, op, t_mono: at, refused, code } of history) {
    const id = `${key}#${attempt}`;
    const from = begun.get(id);
    if (type === 'invoke') begun.set(id, at);
    else if (from !== undefined && code !== TWIN) {
      attempts.push({ op, from, to: at, ok: type === 'ok' || refused === true });
      begun.delete(id);
    }
  }
  return attempts.sort((a, b) => a.from - b.from);
}

/** Slows everything down and breaks nothing: what happens during it is judged as if it were not there. */
export const AMBIENT = 'net.slow';

/** How long each operation took to succeed again after each fault; a fault that was followed by another one too soon says nothing. */
export function recoveriesOf(
  attempts: readonly Attempt[],
  faults: readonly FaultRecord[],
): { readonly fault: FaultRecord; readonly op: string; readonly ms: number }[] {
  const byOp = Map.groupBy(attempts, ({ op }) => op);
  return faults.flatMap((fault) =>
    [...byOp].flatMap(([op, ofOp]) => {
      const first = firstSuccess(ofOp, fault.healedAt);
      if (first === undefined) return [];
      const disturbed = faults.some(
        (other) => other !== fault && other.begunAt < first && other.healedAt > fault.healedAt,
      );
      return disturbed ? [] : [{ fault, op, ms: first - fault.healedAt }];
    }),
  );
}

function firstSuccess(attempts: readonly Attempt[], after: number): number | undefined {
  let first: number | undefined;
  for (const { from, to, ok } of attempts) {
    if (first !== undefined && from > first) break;
    if (ok && from >= after && (first === undefined || to < first)) first = to;
  }
  return first;
}

/** After a heal everything works again within a bound, and in calm nearly everything works at once (I6). */
export function checkRecovery(
  history: readonly HistoryEvent[],
  faults: readonly FaultRecord[],
  bounds: RecoveryBounds,
): Violation[] {
  const attempts = attemptsOf(history);
  const breaking = faults.filter(({ kind }) => kind !== AMBIENT);
  const late = recoveriesOf(attempts, breaking).filter(({ ms }) => ms > bounds.firstSuccessMs);
  return [
    ...faults.flatMap(({ id, kind, failure, broken }) => [
      ...(failure === undefined ? [] : [violation('LAB', `fault #${id} ${kind} could not be made: ${failure}`)]),
      ...(broken === undefined ? [] : [violation('I6', `during #${id} ${kind}: ${broken}`)]),
    ]),
    ...late.map(({ fault, op, ms }) =>
      violation('I6', `${op} succeeded ${Math.round(ms)} ms after the heal of #${fault.id} ${fault.kind}`),
    ),
    ...calmProblems(attempts, breaking, bounds),
  ];
}

function calmProblems(
  attempts: readonly Attempt[],
  faults: readonly FaultRecord[],
  bounds: RecoveryBounds,
): Violation[] {
  const { calmAfterMs, calmSuccess, slowdown } = bounds;
  const isCalm = ({ from, to }: Attempt): boolean =>
    faults.every(({ begunAt, healedAt }) => to < begunAt || from > healedAt + calmAfterMs);
  const calm = attempts.filter(isCalm);
  const firstFault = Math.min(...faults.map(({ begunAt }) => begunAt));
  const lastHeal = Math.max(...faults.map(({ healedAt }) => healedAt));
  const problems = [...Map.groupBy(calm, ({ op }) => op)].flatMap(([op, ofOp]) => {
    const good = ofOp.filter(({ ok }) => ok).length;
    if (ofOp.length < LEAST_ATTEMPTS || good / ofOp.length >= calmSuccess) return [];
    return [violation('I6', `${op}: in calm ${good} of ${ofOp.length} attempts succeeded`)];
  });
  const before = percentile(calm.filter(({ to }) => to < firstFault));
  const after = percentile(calm.filter(({ from }) => from > lastHeal));
  if (after > Math.max(FAST_ENOUGH_MS, before * slowdown))
    problems.push(
      violation(
        'I6',
        `the slowest percent took ${Math.round(after)} ms after the faults, ${Math.round(before)} before`,
      ),
    );
  return problems;
}

/** The time that all but one percent of the attempts keep, milliseconds. */
export function percentile(attempts: readonly Attempt[], share: number = P99): number {
  const times = attempts.map(({ from, to }) => to - from).sort((a, b) => a - b);
  return times[Math.floor((times.length - 1) * share)] ?? 0;
}
