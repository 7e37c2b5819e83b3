/** Says when so many things have happened. */
export class Countdown {
  #left = 0;
  #done: () => void = () => undefined;

  /** Resolves after `count` calls of `one`. */
  from(count: number): Promise<void> {
    this.#left = count;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  one(): void {
    this.#left--;
    if (this.#left === 0) this.#done();
  }
}
