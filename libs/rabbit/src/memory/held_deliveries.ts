import type { MemoryQueue } from './memory_queue.ts';
import { Refusal } from './refusal.ts';
import type { ServerConsumer } from './server_consumer.ts';
import type { Entry } from './stored_message.ts';

export type Settlement = 'ack' | 'requeue' | 'reject';

interface Held {
  readonly entry: Entry;
  readonly queue: MemoryQueue;
  readonly consumer: ServerConsumer | undefined;
}

/** What was delivered on one channel and is not settled. */
export class HeldDeliveries {
  readonly #held = new Map<number, Held>();
  readonly #onSettled: (how: Settlement, queue: MemoryQueue, entry: Entry) => void;
  #lastTag = 0;

  constructor(onSettled: (how: Settlement, queue: MemoryQueue, entry: Entry) => void) {
    this.#onSettled = onSettled;
  }

  /** The tag of a delivery that needs no settlement. */
  skip(): number {
    return ++this.#lastTag;
  }

  /** The tag of a delivery that does; `consumer` is undefined for one that was asked for. */
  hold(entry: Entry, queue: MemoryQueue, consumer: ServerConsumer | undefined): number {
    this.#held.set(++this.#lastTag, { entry, queue, consumer });
    return this.#lastTag;
  }

  /** Settles one delivery, or all up to it; tag 0 stands for all. @throws Refusal 406 for a tag that is not held */
  settle(tag: number, all: boolean, how: Settlement): void {
    if (!this.#held.has(tag) && !(all && tag === 0)) throw new Refusal(406, `unknown delivery tag ${tag}`);
    const isMeant = (held: number): boolean => held === tag || (all && (tag === 0 || held < tag));
    for (const one of [...this.#held.keys()].filter(isMeant)) this.#settleOne(one, how);
  }

  /** The channel is gone: everything goes back. */
  giveBackAll(): void {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const { entry, queue } of held) queue.giveBack(entry);
  }

  #settleOne(tag: number, how: Settlement): void {
    const held = this.#held.get(tag);
    if (held === undefined) return;
    const { entry, queue, consumer } = held;
    this.#held.delete(tag);
    this.#onSettled(how, queue, entry);
    if (how === 'requeue') queue.giveBack(entry);
    if (how === 'reject') queue.reject(entry);
    consumer?.settled();
  }
}
