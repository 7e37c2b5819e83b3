import { EntryList } from './entry_list.ts';
import { type Entry, PERSISTENT } from './stored_message.ts';

/** What waits in a queue, in the order in which it goes out. */
export class Backlog {
  readonly #waiting = new EntryList();
  /** What came back to a quorum queue: it goes out again before everything else. */
  readonly #returned = new EntryList();

  get size(): number {
    return this.#waiting.size + this.#returned.size;
  }

  /** Puts a message at the end, or at a share of the way to it. */
  add(entry: Entry, where?: number): void {
    if (where === undefined) this.#waiting.add(entry);
    else this.#waiting.insert(entry, where);
  }

  /** Takes a message back: a quorum queue puts it before all that never left it, a classic queue into its old place. */
  restore(entry: Entry, type: 'classic' | 'quorum'): void {
    if (type === 'quorum') this.#returned.add(entry);
    else this.#waiting.restore(entry);
  }

  takeFirst(): Entry | undefined {
    return this.#returned.takeFirst() ?? this.#waiting.takeFirst();
  }

  takeAll(): readonly Entry[] {
    return [...this.#returned.takeAll(), ...this.#waiting.takeAll()];
  }

  /** Drops what a restart of the broker does not leave: in a classic queue, everything that is not persistent. */
  keepStored(type: 'classic' | 'quorum'): void {
    for (const entry of this.takeAll()) {
      if (type === 'quorum' || entry.message.properties.deliveryMode === PERSISTENT) this.#waiting.add(entry);
    }
  }

  /**
   * Takes out what has lived too long. RabbitMQ looks at the first message only: one behind it stays until it is the first
   * itself. A message that may live for no time at all still goes to a consumer who waits for it, so what is just due is
   * not dropped before it was offered.
   */
  *takeExpired(which: 'due' | 'overdue', now: number): Iterable<Entry> {
    const isOver = ({ expiresAt }: Entry): boolean =>
      expiresAt !== undefined && (which === 'due' ? expiresAt <= now : expiresAt < now);
    for (const list of [this.#returned, this.#waiting]) {
      for (let first = list.first; first !== undefined && isOver(first); first = list.first) {
        list.takeFirst();
        yield first;
      }
    }
  }

  /** When the next message will have lived too long; undefined when none will. */
  get nextExpiry(): number | undefined {
    const due = [this.#returned.first?.expiresAt, this.#waiting.first?.expiresAt].filter((at) => at !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }
}
