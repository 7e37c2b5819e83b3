import { type Violation, violation } from './violation.ts';

/** What the broker says when a client settles a message twice or on the wrong channel. */
const PRECONDITION = /PRECONDITION_FAILED|unknown delivery tag/i;

/** The broker never had to close a channel because of an ack (I9). */
export function checkBrokerLog(log: string): Violation[] {
  const lines = log.split('\n').filter((line) => PRECONDITION.test(line));
  return [...new Set(lines)].map((line) => violation('I9', `the broker says: ${line.trim().slice(0, 300)}`));
}

export interface Deliveries {
  readonly redelivered: number;
  /** Messages that we handed back ourselves. */
  readonly handedBack: number;
  /** Messages that the lost channels and processes had in hand at most. */
  readonly inHand: number;
}

/** Nothing is delivered again without a reason: each loss brings back at most what was in hand. */
export function checkRedeliveries({ redelivered, handedBack, inHand }: Deliveries): Violation[] {
  const bound = handedBack + inHand;
  if (redelivered <= bound) return [];
  return [violation('I4', `${redelivered} messages were delivered again; losses and returns explain at most ${bound}`)];
}
