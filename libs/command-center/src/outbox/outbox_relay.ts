import { backoffMs, type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';
import { type Database, sql, type Tx, tables } from '@warren/postgres';
import { type ConfirmedPublisher, EXCHANGE, type PublishOutcome } from '@warren/rabbit';
import type { Counter, Metrics } from '@warren/telemetry';
import * as z from 'zod';
import type { CommandCenterTables } from './command_center_tables.ts';

export interface OutboxRelayDeps {
  readonly database: Database;
  readonly publisher: ConfirmedPublisher;
  /** Service prefix: relays of one service share one advisory lock, so that rows leave in order. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const BATCH_ROWS = 200;
/** Looks for rows of other processes and of failed tries, when nobody wakes it. */
const POLL_MS = 500;
/** Another replica's relay holds the lock and may have read before our commit: look again soon. */
const CONTENDED_MS = 20;
const CONFIRM_TIMEOUT_MS = 5_000;
const ERROR_BACKOFF = { baseMs: 200, maxMs: 5_000 };
const ROW_BACKOFF = { baseMs: 500, maxMs: 60_000 };

const Headers = z.record(z.string(), z.string());

type Row = { id: string; exchange: string; routing_key: string; message_id: string; type: string; headers: string; body: string; attempts: number };

/**
 * Publishes outbox rows with confirms and deletes them in the transaction that locked them. A row whose message was not
 * confirmed stays and is tried again, so a message may be published twice; consumers have the inbox.
 */
export class OutboxRelay {
  readonly #deps: OutboxRelayDeps;
  readonly #relayed: Counter;
  readonly #stop = new AbortController();
  #wakeUp = new AbortController();
  #running: Promise<void> | undefined;

  constructor(deps: OutboxRelayDeps) {
    this.#deps = deps;
    this.#relayed = deps.metrics.counter('warren_outbox_relayed_total', 'Outbox rows by publish outcome.', ['outcome']);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Rows were committed: publish them now. */
  wake(): void {
    this.#wakeUp.abort();
  }

  /** Ends after the batch that is under way. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      this.#wakeUp = new AbortController();
      let pause = POLL_MS;
      try {
        pause = await this.#relayBatch();
        failures = 0;
      } catch (cause) {
        failures++;
        pause = backoffMs(failures, ERROR_BACKOFF, this.#deps.rng);
        if (failures === 1) this.#deps.logger.warn({ err: toAppError(cause) }, 'outbox relay cannot work; rows wait');
      }
      if (pause > 0) await this.#deps.clock.sleep(pause, failures > 0 ? this.#stop.signal : this.#wakeUp.signal);
    }
  }

  /** Returns how long to pause, milliseconds: 0 when more rows wait. */
  async #relayBatch(): Promise<number> {
    return this.#deps.database.transaction(async (tx) => {
      const lock = await sql<{ got: boolean }>`SELECT pg_try_advisory_xact_lock(hashtextextended(${`outbox:${this.#deps.prefix}`}, 0)) AS got`.execute(tables(tx));
      if (lock.rows[0]?.got !== true) return CONTENDED_MS;
      const rows = await this.#due(tx);
      if (rows.length === 0) return POLL_MS;
      const outcomes = await Promise.all(rows.map((row) => this.#publish(row)));
      await this.#record(tx, rows, outcomes);
      return outcomes.every((outcome) => outcome === 'confirmed') ? 0 : POLL_MS;
    });
  }

  #due(tx: Tx): Promise<Row[]> {
    return tables<CommandCenterTables>(tx)
      .selectFrom('outbox')
      .select(['id', 'exchange', 'routing_key', 'message_id', 'type', 'headers', 'body', 'attempts'])
      .where('next_at', '<=', sql<Date>`now()`)
      .orderBy('id')
      .limit(BATCH_ROWS)
      .forUpdate()
      .execute();
  }

  #publish(row: Row): Promise<PublishOutcome> {
    const message = {
      exchange: row.exchange,
      key: row.routing_key,
      body: Buffer.from(row.body),
      messageId: row.message_id,
      type: row.type,
      persistent: true,
      // an event without a subscriber is legal; a command or a push without a queue is a defect that must be seen
      mandatory: row.exchange !== EXCHANGE.events,
      headers: { ...Headers.parse(JSON.parse(row.headers)), 'warren-attempt': 1 },
    };
    return this.#deps.publisher.publish(message, { timeoutMs: CONFIRM_TIMEOUT_MS });
  }

  async #record(tx: Tx, rows: readonly Row[], outcomes: readonly PublishOutcome[]): Promise<void> {
    const db = tables<CommandCenterTables>(tx);
    const sent: string[] = [];
    for (const [index, row] of rows.entries()) {
      const outcome = outcomes[index] ?? 'unknown';
      this.#relayed.inc({ outcome });
      if (outcome === 'confirmed') {
        sent.push(row.id);
        continue;
      }
      this.#deps.logger.error({ outcome, exchange: row.exchange, routingKey: row.routing_key }, 'outbox row stays: it was not confirmed');
      const waitMs = backoffMs(row.attempts + 1, ROW_BACKOFF, this.#deps.rng);
      await db
        .updateTable('outbox')
        .set({ attempts: row.attempts + 1, next_at: sql<Date>`now() + ${waitMs} * interval '1 millisecond'` })
        .where('id', '=', row.id)
        .execute();
    }
    if (sent.length > 0) await db.deleteFrom('outbox').where('id', 'in', sent).execute();
  }
}
