import type { Entry } from './stored_message.ts';

/** So many places at the front may be empty before they are given back: taking from the front then costs nothing. */
const MAX_EMPTY_PLACES = 1_024;

/** The messages of a queue that wait, first one first. */
export class EntryList {
  #entries: Entry[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  get first(): Entry | undefined {
    return this.#entries[this.#head];
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Puts a message where it stood before it was taken. */
  restore(entry: Entry): void {
    let index = this.#head;
    while (index < this.#entries.length && (this.#entries[index]?.position ?? 0) < entry.position) index++;
    this.#entries.splice(index, 0, entry);
  }

  /** Puts a message anywhere, `where` being a share of the way to the end. */
  insert(entry: Entry, where: number): void {
    this.#entries.splice(this.#head + Math.floor(where * (this.size + 1)), 0, entry);
  }

  takeFirst(): Entry | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined) return undefined;
    this.#head++;
    if (this.#head >= MAX_EMPTY_PLACES || this.#head === this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
    return entry;
  }

  takeAll(): readonly Entry[] {
    const all = this.#entries.slice(this.#head);
    this.#entries = [];
    this.#head = 0;
    return all;
  }
}
