import type { KeyedEntry } from './keyed_delivery.ts';

/**
 * Messages in our hands, a line per key: only the first of a line may run. Bounded by the prefetch of the partitions. A
 * message whose channel is lost leaves its line as soon as nobody works on it: the broker delivers it again.
 */
export class KeyLines {
  readonly #lines = new Map<string, KeyedEntry[]>();
  /** First of their lines, not in anybody's hands, and not waiting for a retry; the longest waiting one first. */
  readonly #ready: KeyedEntry[] = [];

  /** Keys with messages in our hands. */
  get size(): number {
    return this.#lines.size;
  }

  add(entry: KeyedEntry): void {
    const line = this.#lines.get(entry.key);
    if (line !== undefined) {
      line.push(entry);
      return;
    }
    this.#lines.set(entry.key, [entry]);
    this.#ready.push(entry);
  }

  /** The next message that may run and that `mayRun` lets; it is out from now on. */
  take(mayRun: (entry: KeyedEntry) => boolean): KeyedEntry | undefined {
    let kept = 0;
    while (kept < this.#ready.length) {
      const entry = this.#ready[kept];
      if (entry === undefined) return undefined;
      if (!entry.raw.lost && !mayRun(entry)) {
        kept++;
        continue;
      }
      this.#ready.splice(kept, 1);
      if (entry.raw.lost) {
        this.leave(entry);
        continue;
      }
      entry.out = true;
      return entry;
    }
    return undefined;
  }

  /** It may run again, before those that became ready meanwhile. */
  back(entry: KeyedEntry): void {
    entry.out = false;
    this.#ready.unshift(entry);
  }

  /** It is done with, and so it is the turn of the next one. */
  leave(entry: KeyedEntry): void {
    entry.out = false;
    const line = this.#lines.get(entry.key);
    if (line === undefined || line[0] !== entry) return;
    line.shift();
    while (line[0]?.raw.lost) line.shift();
    const [next] = line;
    if (next === undefined) this.#lines.delete(entry.key);
    else this.#ready.push(next);
  }
}
