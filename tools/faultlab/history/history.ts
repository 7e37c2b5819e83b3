import { once } from 'node:events';
import fs from 'node:fs';
import * as z from 'zod';

/**
 * One line of the history. `ok`: the answer says that it was done. `fail`: the answer says that it was not done, for good
 * when `refused`. `info`: nobody knows.
 */
export const HistoryEvent = z.object({
  process: z.string(),
  op: z.string(),
  /** Idempotency key or message id: the same for every attempt. */
  key: z.string(),
  /** Attempts of one key are counted from 1. */
  attempt: z.int(),
  type: z.enum(['invoke', 'ok', 'fail', 'info']),
  /** On the clock of the lab's `performance.now()`. */
  t_mono: z.number(),
  refused: z.boolean().optional(),
  code: z.string().optional(),
  value: z.unknown().optional(),
});
export type HistoryEvent = z.output<typeof HistoryEvent>;

const MAX_BUFFERED_LINES = 200;

/** Writes the history of a run as JSON lines. */
export class HistoryWriter {
  readonly #stream: fs.WriteStream;
  #lines: string[] = [];
  #written = 0;

  constructor(file: string) {
    this.#stream = fs.createWriteStream(file);
  }

  get written(): number {
    return this.#written;
  }

  add(event: HistoryEvent): void {
    this.#lines.push(JSON.stringify(event));
    this.#written += 1;
    if (this.#lines.length >= MAX_BUFFERED_LINES) this.#flush();
  }

  async close(): Promise<void> {
    this.#flush();
    this.#stream.end();
    await once(this.#stream, 'finish');
  }

  #flush(): void {
    if (this.#lines.length > 0) this.#stream.write(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}

/** Reads a history that a HistoryWriter wrote. */
export function readHistory(file: string): HistoryEvent[] {
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => HistoryEvent.parse(JSON.parse(line)));
}
