import type { Entry } from './stored_message.ts';

/** Who gets messages of a queue. */
export interface Subscriber {
  readonly exclusive: boolean;
  /** Whether it takes one more message now. */
  readonly hungry: boolean;
  deliver(entry: Entry): void;
  /** The queue is gone. */
  canceled(): void;
}

/** The consumers of a queue, and whose turn it is. */
export class Subscribers {
  readonly #singleActive: boolean;
  #all: Subscriber[] = [];

  constructor(singleActive: boolean) {
    this.#singleActive = singleActive;
  }

  get size(): number {
    return this.#all.length;
  }

  get exclusive(): boolean {
    return this.#all.some((subscriber) => subscriber.exclusive);
  }

  add(subscriber: Subscriber): void {
    this.#all.push(subscriber);
  }

  /** False when it was none. */
  remove(subscriber: Subscriber): boolean {
    const index = this.#all.indexOf(subscriber);
    if (index !== -1) this.#all.splice(index, 1);
    return index !== -1;
  }

  removeAll(): readonly Subscriber[] {
    return this.#all.splice(0);
  }

  /** Who gets the next message; undefined while nobody takes one. A single active consumer is the one that came first. */
  next(): Subscriber | undefined {
    if (this.#singleActive) return this.#all[0]?.hungry === true ? this.#all[0] : undefined;
    const found = this.#all.find((subscriber) => subscriber.hungry);
    if (found !== undefined) this.#all = [...this.#all.filter((other) => other !== found), found];
    return found;
  }
}
