/** Counts of answers, by group of cases and by what was answered. */
export class Tally {
  readonly #counts = new Map<string, Map<string, number>>();

  count(group: string, answer: string | number): void {
    const counts = this.#counts.get(group) ?? new Map<string, number>();
    this.#counts.set(group, counts);
    counts.set(String(answer), (counts.get(String(answer)) ?? 0) + 1);
  }

  /** One line per group, for people. */
  print(): void {
    const rows = [...this.#counts].map(([group, counts]) => {
      const cells = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([answer, count]) => `${answer}: ${count}`);
      return `${group.padEnd(44)} ${cells.join(', ')}`;
    });
    process.stdout.write(`${rows.join('\n')}\n`);
  }
}
