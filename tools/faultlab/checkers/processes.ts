import type { LogReview } from '../report/log_review.ts';
import type { ReplicaExit } from '../system/replica.ts';
import { type Violation, violation } from './violation.ts';

/** A process that was asked to end has this long: its grace, and a little for a busy machine. */
const LONGEST_END_MS = 13_000;
/** Lines of level warn or worse that one process may write in ten seconds of an outage. */
const LOUDEST_LINES = 50;

/** No process ends by itself, and one that is told to end does so in order and in time (I8). */
export function checkExits(exits: readonly ReplicaExit[]): Violation[] {
  return exits.flatMap(({ replica, code, signal, expected, tookMs = 0 }) => {
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    if (!expected) return [violation('I8', `${replica} ended ${how} without being told to`)];
    if (signal === 'SIGKILL') return [];
    if (code !== 0) return [violation('I8', `${replica} ended ${how} after SIGTERM`)];
    return tookMs > LONGEST_END_MS ? [violation('I8', `${replica} took ${Math.round(tookMs)} ms to end`)] : [];
  });
}

/** Nothing unhandled, nothing fatal (I8), and no flood of lines while something is away (I14). */
export function checkLogs(reviews: readonly LogReview[]): Violation[] {
  return reviews.flatMap(({ replica, alarms, stderr, loudest }) => [
    ...alarms.map((line) => violation('I8', `${replica} wrote: ${line}`)),
    ...(stderr === '' ? [] : [violation('I8', `${replica} wrote to standard error: ${stderr.slice(0, 500)}`)]),
    ...(loudest.lines > LOUDEST_LINES
      ? [violation('I14', `${replica} wrote ${loudest.lines} warnings in ten seconds from ${loudest.from}`)]
      : []),
  ]);
}
