import { backoffMs, type Clock, type Logger, type Rng, toAppError } from '@warren/kernel';
import { type Database, sql, type Tx, tables } from '@warren/postgres';
import { type ConfirmedPublisher, EXCHANGE, type PublishOutcome, type RabbitLink } from '@warren/rabbit';
import type { Counter, Metrics } from '@warren/telemetry';
import * as z from 'zod';
import type { CommandCenterTables } from './command_center_tables.ts';

export interface OutboxRelayDeps {
  readonly database: Database;
  readonly publisher: Pick<ConfirmedPublisher, 'publish'>;
  /** The publisher's link: while it is down or blocked, no transaction is begun. */
  readonly publishLink: Pick<RabbitLink, 'state' | 'onState'>;
  /** Service prefix: relays of one service share one advisory lock, so that rows leave in order. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const BATCH_ROWS = 200;
const BATCH_GROWTH = 4;
/** Looks for rows of other processes and of failed tries, when nobody wakes it. */
const POLL_MS = 500;
/** Another replica's relay holds the lock and may have read before our commit: look again soon, then less and less. */
const CONTENDED_BACKOFF = { baseMs: 20, maxMs: POLL_MS };
/** No transaction lasts longer than this and its statements, whatever the broker does. */
const CONFIRM_TIMEOUT_MS = 3_000;
/** What a stop grants to confirms under way. Rows without one stay and are published again by the next process. */
const STOP_GRACE_MS = 500;
const ERROR_BACKOFF = { baseMs: 200, maxMs: 5_000 };
const ROW_BASE_MS = 500;
const ROW_MAX_MS = 10_000;

const Headers = z.record(z.string(), z.string());

type Row = {
  id: string;
  exchange: string;
  routing_key: string;
  message_id: string;
  type: string;
  headers: string;
  body: string;
};

/** `invalid`: no publisher takes this row, whatever the broker does. */
type RowOutcome = PublishOutcome | 'invalid';
type Round = 'contended' | 'empty' | 'more' | 'held_up';

/**
 * Publishes outbox rows with confirms and deletes them in the transaction that locked them. A row whose message was not
 * confirmed stays and is tried again, so a message may be published twice; consumers have the inbox. Rows of one routing
 * key leave in the order of their ids; a key that the broker does not take holds up no other one.
 */
export class OutboxRelay {
  readonly #deps: OutboxRelayDeps;
  readonly #relayed: Counter;
  readonly #stop = new AbortController();
  #wakeUp = new AbortController();
  #running: Promise<void> | undefined;
  #batchRows = BATCH_ROWS;
  /** Ends the wait for confirms; made once, so that a round adds no listener. */
  readonly #cutOff: Promise<'unknown'>;

  constructor(deps: OutboxRelayDeps) {
    this.#deps = deps;
    this.#relayed = deps.metrics.counter('warren_outbox_relayed_total', 'Outbox rows by publish outcome.', ['outcome']);
    const { promise, resolve } = Promise.withResolvers<'unknown'>();
    this.#cutOff = promise;
    this.#stop.signal.addEventListener('abort', () => setTimeout(() => resolve('unknown'), STOP_GRACE_MS).unref());
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Rows were committed: publish them now. */
  wake(): void {
    this.#wakeUp.abort();
  }

  /** Ends the batch that is under way, waiting at most half a second for its confirms. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { publishLink } = this.#deps;
    const stopListening = publishLink.onState(() => this.wake());
    try {
      await this.#loop();
    } finally {
      stopListening();
    }
  }

  async #loop(): Promise<void> {
    let failures = 0;
    let contended = 0;
    while (!this.#stop.signal.aborted) {
      // made before the round: a wake that comes while it runs ends the pause after it
      this.#wakeUp = new AbortController();
      try {
        const round = await this.#round();
        failures = 0;
        contended = round === 'contended' ? contended + 1 : 0;
        await this.#pause(round, contended);
      } catch (cause) {
        failures++;
        if (failures === 1)
          this.#deps.logger.warn({ err: toAppError(cause) }, 'the outbox relay cannot work; rows wait');
        // wakes are not heard: each commit would be one more try against a store that is away
        await this.#deps.clock.sleep(backoffMs(failures, ERROR_BACKOFF, this.#deps.rng), this.#stop.signal);
      }
    }
  }

  async #pause(round: Round, contended: number): Promise<void> {
    const { clock, rng } = this.#deps;
    if (round === 'more') return;
    if (round === 'empty') return clock.sleep(POLL_MS, this.#wakeUp.signal);
    if (round === 'held_up') return clock.sleep(POLL_MS, this.#stop.signal);
    // whoever holds the lock takes our rows along; a wake must not turn this into a busy loop
    return clock.sleep(backoffMs(contended, CONTENDED_BACKOFF, rng), this.#stop.signal);
  }

  async #round(): Promise<Round> {
    const { up, blocked } = this.#deps.publishLink.state;
    if (!up || blocked) return 'empty';
    return this.#deps.database.transaction(async (tx) => {
      if (!(await this.#lock(tx))) return 'contended';
      const rows = await this.#due(tx);
      if (rows.length === 0) return 'empty';
      return this.#record(tx, rows, this.#judged(await this.#publishAll(rows)));
    });
  }

  /**
   * A message that the broker refuses by closing the channel takes the answers of all others with it. After such a round
   * rows go out one by one, so that the next silence has a name; then it waits like any refused row.
   */
  #judged(outcomes: readonly RowOutcome[]): readonly RowOutcome[] {
    if (!outcomes.some(isSilence)) {
      this.#batchRows = Math.min(BATCH_ROWS, this.#batchRows * BATCH_GROWTH);
      return outcomes;
    }
    this.#batchRows = 1;
    const { up, blocked } = this.#deps.publishLink.state;
    const isCulprit = outcomes.length === 1 && up && !blocked && !this.#stop.signal.aborted;
    return isCulprit ? ['invalid'] : outcomes;
  }

  async #lock(tx: Tx): Promise<boolean> {
    const name = `outbox:${this.#deps.prefix}`;
    const lock = await sql<{ got: boolean }>`
      SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ':' || ${name}::text, 0)) AS got`.execute(
      tables(tx),
    );
    return lock.rows[0]?.got === true;
  }

  /** A row whose key is held up by an earlier one waits with it: it would overtake it otherwise. */
  #due(tx: Tx): Promise<Row[]> {
    return tables<CommandCenterTables>(tx)
      .selectFrom('outbox')
      .select(['id', 'exchange', 'routing_key', 'message_id', 'type', 'headers', 'body'])
      .where('next_at', '<=', sql<Date>`now()`)
      .where(
        sql<boolean>`NOT EXISTS (
          SELECT FROM outbox AS earlier
          WHERE earlier.next_at > now() AND earlier.exchange = outbox.exchange
            AND earlier.routing_key = outbox.routing_key AND earlier.id < outbox.id)`,
      )
      .orderBy('id')
      .limit(this.#batchRows)
      .execute();
  }

  /** Waits no longer than the link lives: a transaction must not stay open until a broker comes back. */
  async #publishAll(rows: readonly Row[]): Promise<RowOutcome[]> {
    const { publishLink } = this.#deps;
    const { promise: linkLost, resolve } = Promise.withResolvers<RowOutcome>();
    const look = ({ up }: { readonly up: boolean }): void => {
      if (!up) resolve('unknown');
    };
    const stopListening = publishLink.onState(look);
    look(publishLink.state);
    try {
      return await Promise.all(rows.map((row) => Promise.race([this.#publish(row), linkLost, this.#cutOff])));
    } finally {
      stopListening();
    }
  }

  async #publish(row: Row): Promise<RowOutcome> {
    try {
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
      return await this.#deps.publisher.publish(message, { timeoutMs: CONFIRM_TIMEOUT_MS });
    } catch (cause) {
      // one row that cannot be sent must not keep the others
      this.#deps.logger.error({ err: cause, id: row.id, type: row.type }, 'an outbox row is no message');
      return 'invalid';
    }
  }

  async #record(tx: Tx, rows: readonly Row[], outcomes: readonly RowOutcome[]): Promise<Round> {
    const db = tables<CommandCenterTables>(tx);
    const byOutcome = Map.groupBy(rows, (_row, index) => outcomes[index] ?? 'unknown');
    for (const [outcome, some] of byOutcome) {
      this.#relayed.inc({ outcome }, some.length);
      if (outcome !== 'confirmed') this.#complain(outcome, some);
    }
    const sent = idsOf(byOutcome.get('confirmed'));
    if (sent.length > 0) await db.deleteFrom('outbox').where('id', 'in', sent).execute();
    // rows without an answer keep their turn: the link was lost, not the message refused
    const refused = [
      ...idsOf(byOutcome.get('returned')),
      ...idsOf(byOutcome.get('nacked')),
      ...idsOf(byOutcome.get('invalid')),
    ];
    if (refused.length > 0) await this.#defer(tx, refused);
    return outcomes.some(isSilence) ? 'held_up' : 'more';
  }

  async #defer(tx: Tx, ids: readonly string[]): Promise<void> {
    const waitMs = sql`least(${ROW_MAX_MS}::float8, ${ROW_BASE_MS} * power(2, least(attempts, 16))) * (0.5 + random() / 2)`;
    await tables<CommandCenterTables>(tx)
      .updateTable('outbox')
      .set({ attempts: sql<number>`attempts + 1`, next_at: sql<Date>`now() + ${waitMs} * interval '1 millisecond'` })
      .where('id', 'in', ids)
      .execute();
  }

  #complain(outcome: RowOutcome, rows: readonly Row[]): void {
    const [first] = rows;
    const sample = { exchange: first?.exchange, routingKey: first?.routing_key };
    this.#deps.logger.error({ outcome, rows: rows.length, sample }, 'outbox rows stay: they were not confirmed');
  }
}

/** Nobody knows whether the broker has it. */
const isSilence = (outcome: RowOutcome): boolean => outcome === 'unknown' || outcome === 'not_sent';
const idsOf = (rows: readonly Row[] = []): string[] => rows.map((row) => row.id);
