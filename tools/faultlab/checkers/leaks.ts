import type { Census } from '../report/census.ts';
import { type Violation, violation } from './violation.ts';

/** Descriptors that come and go: probes, scrapes, idle keep-alive connections. */
const SPARE_DESCRIPTORS = 24;
const RSS_FACTOR = 1.6;
const SPARE_RSS_BYTES = 96 * 1024 * 1024;
const MIB = 1024 * 1024;

/** Six processes, each with a pool of ten and a session that listens. */
const MOST_SESSIONS = 66;

/** Some time after the last heal everything that can leak is back where it was (I7). */
export function checkLeaks(before: Census, after: Census): Violation[] {
  const complaint = (what: 'connections' | 'channels' | 'consumers' | 'sessions'): Violation[] => [
    violation('I7', `${what}: ${before[what]} before the faults, ${after[what]} after`),
  ];
  return [
    // every connection and every consumer is there again, and none twice
    ...(after.connections === before.connections ? [] : complaint('connections')),
    ...(after.consumers === before.consumers ? [] : complaint('consumers')),
    // channels and sessions come as they are needed
    ...(after.channels <= before.channels ? [] : complaint('channels')),
    ...(after.sessions <= Math.max(before.sessions, MOST_SESSIONS) ? [] : complaint('sessions')),
    ...Object.keys(before.replicas).flatMap((replica) => processProblems(replica, before, after)),
  ];
}

function processProblems(replica: string, before: Census, after: Census): Violation[] {
  const [old, now] = [before.replicas[replica], after.replicas[replica]];
  if (old === undefined) return [];
  if (now === undefined) return [violation('I8', `${replica} does not run any more`)];
  const problems: Violation[] = [];
  if (now.descriptors > old.descriptors + SPARE_DESCRIPTORS)
    problems.push(violation('I7', `${replica} has ${now.descriptors} open files, had ${old.descriptors}`));
  if (now.rssBytes > Math.max(old.rssBytes * RSS_FACTOR, old.rssBytes + SPARE_RSS_BYTES))
    problems.push(violation('I7', `${replica} takes ${mib(now.rssBytes)} MiB, took ${mib(old.rssBytes)}`));
  return problems;
}

const mib = (bytes: number): number => Math.round(bytes / MIB);
