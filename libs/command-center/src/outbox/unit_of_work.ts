import type { Database, Tx } from '@warren/postgres';
import { OutboxWriter } from './outbox_writer.ts';

export interface UnitOfWorkDeps {
  readonly database: Database;
  /** Called after a commit that wrote outbox rows, so that they leave at once. */
  readonly onOutbox: () => void;
}

/** One transaction with its outbox: the rows of both commit together or not at all. */
export class UnitOfWork {
  readonly #deps: UnitOfWorkDeps;

  constructor(deps: UnitOfWorkDeps) {
    this.#deps = deps;
  }

  /** `beforeCommit` runs last inside the transaction; when it throws, nothing is committed. */
  async run<T>(work: (tx: Tx, outbox: OutboxWriter) => Promise<T>, beforeCommit?: () => void): Promise<T> {
    let wrote = false;
    const result = await this.#deps.database.transaction(async (tx) => {
      const outbox = new OutboxWriter();
      const value = await work(tx, outbox);
      await outbox.flush(tx);
      wrote = outbox.size > 0;
      beforeCommit?.();
      return value;
    });
    if (wrote) this.#deps.onOutbox();
    return result;
  }
}
