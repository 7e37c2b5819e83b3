import { backoffMs, type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';
import { type Database, sql, tables } from '@warren/postgres';
import type { Counter, Metrics } from '@warren/telemetry';
import type { CommandCenterTables } from '../outbox/command_center_tables.ts';

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

/** Removes inbox rows whose time is over. Replicas do not coordinate: each skips what another one is removing. */
export class InboxJanitor {
  readonly name = 'inbox janitor';
  readonly #deps: InboxJanitorDeps;
  readonly #removed: Counter;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: InboxJanitorDeps) {
    this.#deps = deps;
    this.#removed = deps.metrics.counter('warren_inbox_removed_total', 'Inbox rows removed after their retention.');
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the batch that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** One round. Resolves to the number of rows removed. */
  async sweep(): Promise<number> {
    let removed = 0;
    for (let batch = 0; batch < BATCHES_PER_ROUND && !this.#stop.signal.aborted; batch++) {
      const count = await this.#removeBatch();
      removed += count;
      if (count < BATCH_ROWS) break;
    }
    this.#removed.inc({}, removed);
    return removed;
  }

  async #run(): Promise<void> {
    const { clock, rng, logger, everyMs = EVERY_MS } = this.#deps;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(backoffMs(1, { baseMs: everyMs, maxMs: everyMs }, rng), this.#stop.signal);
      if (this.#stop.signal.aborted) return;
      try {
        await this.sweep();
      } catch (cause) {
        logger.warn({ err: toAppError(cause) }, 'expired inbox rows could not be removed');
      }
    }
  }

  async #removeBatch(): Promise<number> {
    const result = await this.#deps.database.transaction((tx) =>
      sql`DELETE FROM inbox WHERE message_id IN (
        SELECT message_id FROM inbox WHERE expires_at < now() ORDER BY expires_at LIMIT ${BATCH_ROWS} FOR UPDATE SKIP LOCKED)`.execute(
        tables<CommandCenterTables>(tx),
      ),
    );
    return Number(result.numAffectedRows ?? 0);
  }
}
