import type { ConsumeMessage } from 'amqplib';
import type { BrokerChannel } from '../broker_port.ts';
import { type DeadLetter, readDeadLetter } from './dead_letter.ts';
import { WholeQueue } from './whole_queue.ts';

/** `take`: hand it to `next()`. `mark`: keep it for `removeMarked()`. `pass`: leave it in the queue. */
type LetterFate = 'take' | 'mark' | 'pass';

export interface LetterRoundOptions {
  readonly channel: BrokerChannel;
  readonly queue: string;
  /** Letters of the queue, from its head, that are looked at. Those that come in later are not. */
  readonly expected: number;
  /** Called once per letter, in the order of the queue. */
  readonly sort: (letter: DeadLetter) => LetterFate;
}

interface Taken {
  readonly letter: DeadLetter;
  readonly message: ConsumeMessage;
}

/** Bodies that wait for `next()` at most. Later letters are taken in the next round. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);

/** One pass over a queue. What it does not remove goes back, in its order, when the channel is closed. */
export class LetterRound {
  readonly #options: LetterRoundOptions;
  readonly #whole: WholeQueue;
  readonly #waiting: Taken[] = [];
  readonly #marked: ConsumeMessage[] = [];
  #current: ConsumeMessage | undefined;
  #waitingBytes = 0;
  #deferred = 0;
  #removed = 0;

  private constructor(options: LetterRoundOptions) {
    this.#options = options;
    const onMessage = (message: ConsumeMessage): void =>
      this.#sort({ letter: readDeadLetter(options.queue, message), message });
    this.#whole = new WholeQueue({ ...options, onMessage });
  }

  /** Resolves when every letter is in our hands. @throws AppError when the channel or the connection is lost */
  static async start(options: LetterRoundOptions): Promise<LetterRound> {
    const round = new LetterRound(options);
    await round.#whole.take();
    return round;
  }

  /** Letters that would have been taken, had there been memory for their bodies. */
  get deferred(): number {
    return this.#deferred;
  }

  /** Letters that are gone from the queue. */
  get removed(): number {
    return this.#removed;
  }

  /**
   * The next letter that was taken; undefined when there is none. One that is not removed stays in the queue.
   * @throws AppError when the channel or the connection is lost
   */
  next(): DeadLetter | undefined {
    this.#whole.check();
    const taken = this.#waiting.shift();
    this.#current = taken?.message;
    return taken?.letter;
  }

  /** Removes the letter that `next` gave. */
  remove(): void {
    if (this.#current === undefined) return;
    this.#ack(this.#current);
    this.#current = undefined;
  }

  /** Removes everything that was marked, in order. */
  removeMarked(): void {
    for (const message of this.#marked.splice(0)) this.#ack(message);
  }

  #ack(message: ConsumeMessage): void {
    this.#options.channel.ack(message);
    this.#removed++;
  }

  #sort(taken: Taken): void {
    const { letter, message } = taken;
    const fate = this.#options.sort(letter);
    if (fate === 'mark') this.#marked.push({ ...message, content: EMPTY });
    if (fate !== 'take') return;
    // once one is deferred the later ones are too: letters are taken in the order of the queue
    if (this.#deferred > 0 || this.#waitingBytes + letter.body.length > MAX_WAITING_BYTES) {
      this.#deferred++;
      return;
    }
    this.#waitingBytes += letter.body.length;
    this.#waiting.push(taken);
  }
}
