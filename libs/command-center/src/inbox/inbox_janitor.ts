import type { Clock, Logger, Rng } from '@warren/kernel';
import { type Database, sql, tables } from '@warren/postgres';
import type { Counter, Metrics } from '@warren/telemetry';
import { PollLoop } from '../poll_loop.ts';

export interface InboxJanitorDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Time between two rounds, jittered; a minute unless told. */
  readonly everyMs?: number;
}

const EVERY_MS = 60_000;
const BATCH_ROWS = 1_000;
/** At most this many batches in one round, so that a backlog never becomes a load. */
const BATCHES_PER_ROUND = 20;

/**
 * Removes rows whose time is over: of the inbox, and of the versions of keys. Replicas do not coordinate: each skips what
 * another one is removing.
 */
export class InboxJanitor {
  readonly name = 'inbox janitor';
  readonly #database: Database;
  readonly #removed: Counter;
  readonly #loop: PollLoop;

  constructor(deps: InboxJanitorDeps) {
    this.#database = deps.database;
    this.#removed = deps.metrics.counter('warren_inbox_removed_total', 'Inbox rows removed after their retention.');
    this.#loop = new PollLoop({ ...deps, name: this.name, pollMs: deps.everyMs ?? EVERY_MS }, () => this.#sweep());
  }

  start(): void {
    this.#loop.start();
  }

  /** Ends after the batch that is under way. */
  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #sweep(): Promise<void> {
    await this.#removeAll('key_versions');
    this.#removed.inc({}, await this.#removeAll('inbox'));
  }

  async #removeAll(table: 'inbox' | 'key_versions'): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < BATCHES_PER_ROUND && !this.#loop.stopping.aborted; batch++) {
      const count = await this.#removeBatch(table);
      removed += count;
      if (count < BATCH_ROWS) break;
    }
    return removed;
  }

  async #removeBatch(table: 'inbox' | 'key_versions'): Promise<number> {
    const result = await this.#database.transaction((tx) =>
      sql`DELETE FROM ${sql.table(table)} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${sql.table(table)} WHERE expires_at < now()
        ORDER BY expires_at LIMIT ${BATCH_ROWS} FOR UPDATE SKIP LOCKED))`.execute(tables(tx)),
    );
    return Number(result.numAffectedRows ?? 0);
  }
}
