/** Where a session stands in its events: what came, what was acknowledged, what is lost. */
export class EventCursor {
  #lastSeq = 0;
  #acked = 0;

  /** Number of the last event that came. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Events that came and are not acknowledged. */
  get unacked(): number {
    return Math.max(0, this.#lastSeq - this.#acked);
  }

  /** A new numbering begins: everything up to `acked` is done with. */
  reset(acked: number): void {
    this.#lastSeq = acked;
    this.#acked = acked;
  }

  acked(seq: number): void {
    this.#acked = seq;
  }

  /** Judges an event: the gateway sends at least once and in order, and the listener gets each once. */
  take(seq: number): 'next' | 'repeat' | 'after a gap' {
    if (seq <= this.#lastSeq) return 'repeat';
    const isNext = seq === this.#lastSeq + 1;
    this.#lastSeq = seq;
    return isNext ? 'next' : 'after a gap';
  }

  /**
   * Judges a gap frame; true when events are lost. Its `lastSeq` is where the gateway began to look. Behind this cursor it is
   * about events that came already: it was written before the gateway had read `resume`. From this position on the
   * gateway's numbers hold, lower ones too.
   */
  gap(lastSeq: number, firstSeq: number): boolean {
    if (lastSeq < this.#lastSeq && firstSeq - 1 <= this.#lastSeq) return false;
    this.#lastSeq = firstSeq - 1;
    return true;
  }
}
