import { setTimeout as delay } from 'node:timers/promises';
import type { BrokerConfirmChannel } from '../broker_port.ts';
import { channelError, raise } from '../rabbit_errors.ts';
import type { DeadLetter } from './dead_letter.ts';
import type { LetterDesk } from './letter_desk.ts';
import { LetterRound, type LetterRoundOptions } from './letter_round.ts';

/** Which letters of a queue somebody means. */
export interface LetterQuery {
  readonly matches: (letter: DeadLetter) => boolean;
  /** Letters at most, from the head of the queue. */
  readonly limit: number;
  /** Ends the work after the letter under way. */
  readonly signal: AbortSignal;
}

const ALONE_WAIT_MS = 15_000;
const BACK_WAIT_MS = 30_000;
const POLL_MS = 50;

/**
 * Letters in the queue. Waits until nobody else consumes it: two readers would mix up its order, and one that was
 * killed a moment ago may still have letters in its hands.
 * @throws AppError DEAD_LETTERS_BUSY after 15 s; BROKER_TOPOLOGY_MISSING when there is no such queue
 */
export async function lettersIn(desk: LetterDesk, queue: string): Promise<number> {
  const end = performance.now() + ALONE_WAIT_MS;
  for (;;) {
    const state = await desk.ask(queue);
    if (state === undefined) throw raise('BROKER_TOPOLOGY_MISSING', { message: `The broker has no queue ${queue}.` });
    if (state.consumers === 0) return state.ready;
    if (performance.now() >= end)
      throw raise('DEAD_LETTERS_BUSY', {
        message: `Somebody else is reading ${queue} (${state.consumers} consumers): try again when they have finished.`,
      });
    await delay(POLL_MS);
  }
}

/** One round, and then everything that it did not remove is back in the queue before this resolves. */
export async function passOver<T>(
  desk: LetterDesk,
  options: Omit<LetterRoundOptions, 'channel'>,
  work: (round: LetterRound, channel: BrokerConfirmChannel) => Promise<T> | T,
): Promise<T> {
  const channel = await desk.channel();
  let round: LetterRound | undefined;
  try {
    round = await LetterRound.start({ ...options, channel });
    return await work(round, channel);
  } finally {
    await putBack(desk, channel, options.queue);
  }
}

/**
 * Closes the channel and waits until the queue knows: its consumers end and what they held is back in one step. Acks that the
 * broker's channel had not handed to a busy queue yet end with it (measured on RabbitMQ 3.10): their letters are back too.
 */
async function putBack(desk: LetterDesk, channel: BrokerConfirmChannel, queue: string): Promise<void> {
  try {
    await channel.close();
    const end = performance.now() + BACK_WAIT_MS;
    while (((await desk.ask(queue))?.consumers ?? 0) > 0 && performance.now() < end) await delay(POLL_MS);
  } catch {
    // a channel that is gone has given everything back
  }
}

/** What went wrong on the way, for a report. */
export function sentenceOf(cause: unknown, queue: string): string {
  return channelError(cause, `queue ${queue}`).message;
}
