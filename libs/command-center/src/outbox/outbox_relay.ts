import { backoffMs, type Clock, type Logger, newId, type Rng } from '@warren/kernel';
import { type Database, sql, type Tx, tables } from '@warren/postgres';
import type { ConfirmedPublisher, RabbitLink } from '@warren/rabbit';
import type { Counter, Metrics } from '@warren/telemetry';
import { type Pause, PollLoop } from '../poll_loop.ts';
import { OutboxMeter } from './outbox_meter.ts';
import { deferRows, dueRows, lockOutbox, type OutboxRow, removeRows } from './outbox_rows.ts';
import { isSilence, type RowOutcome, RowPublisher } from './row_publisher.ts';

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
/** Looks for rows of processes that could tell nobody and of failed tries, when nobody wakes it. */
const POLL_MS = 500;
/** Another replica's relay holds the lock and may have read before our commit: look again soon, then less and less. */
const CONTENDED_BACKOFF = { baseMs: 20, maxMs: POLL_MS };
/** No transaction lasts longer than this and its statements, whatever the broker does. */
const CONFIRM_TIMEOUT_MS = 3_000;
/** Silence after which Postgres ends the transaction of a relay that was stopped in the middle. */
const HOLD_MS = CONFIRM_TIMEOUT_MS + 2_000;

type Round = 'away' | 'contended' | 'empty' | 'more' | 'held_up';

/**
 * Publishes outbox rows with confirms and deletes them in the transaction that locked them. A row whose message was not
 * confirmed stays and is tried again, so a message may be published twice; consumers have the inbox. Rows of one lane
 * (see lanes.ts) leave in the order of their ids; one that the broker does not take holds up no other. Every replica has
 * a relay, and whichever gets the lock takes all rows along.
 */
export class OutboxRelay {
  readonly #deps: OutboxRelayDeps;
  readonly #loop: PollLoop;
  readonly #meter: OutboxMeter;
  readonly #rows: RowPublisher;
  readonly #relayed: Counter;
  readonly #channel: string;
  /** Tells our own notifications from those of other replicas. */
  readonly #id = newId();
  #batchRows = BATCH_ROWS;
  #contended = 0;
  /** Rows of this process were committed, and this relay has not looked since nor told the others. */
  #unseen = false;
  #stopListening: (() => void) | undefined;
  #subscribed: Promise<() => Promise<void>> | undefined;

  constructor(deps: OutboxRelayDeps) {
    this.#deps = deps;
    this.#loop = new PollLoop({ ...deps, name: 'outbox relay', pollMs: POLL_MS }, () => this.#next());
    this.#meter = new OutboxMeter(deps);
    this.#rows = new RowPublisher(deps);
    this.#relayed = deps.metrics.counter('warren_outbox_relayed_total', 'Outbox rows by publish outcome.', ['outcome']);
    this.#channel = `warren_outbox_${deps.prefix}`;
  }

  start(): void {
    if (this.#stopListening !== undefined) return;
    this.#stopListening = this.#deps.publishLink.onState(() => this.#loop.wake());
    this.#subscribed = this.#deps.database.listen(this.#channel, (sender) => {
      if (sender !== this.#id) this.#loop.wake();
    });
    this.#loop.start();
    this.#meter.start();
  }

  /** Rows were committed: publish them now. */
  wake(): void {
    this.#unseen = true;
    this.#loop.wake();
  }

  /** Ends the batch that is under way, waiting at most half a second for its confirms. */
  async stop(): Promise<void> {
    this.#rows.cutOff();
    await Promise.all([this.#loop.stop(), this.#meter.stop()]);
    this.#stopListening?.();
    await (await this.#subscribed)?.();
  }

  async #next(): Promise<Pause> {
    const round = await this.#round();
    this.#contended = round === 'contended' ? this.#contended + 1 : 0;
    if ((round === 'contended' || round === 'away') && this.#unseen) await this.#tellOthers();
    if (round === 'more') return { ms: 0, wakeable: true };
    if (round === 'held_up') return { ms: POLL_MS, wakeable: false };
    if (round !== 'contended') return { ms: POLL_MS, wakeable: true };
    // whoever holds the lock takes our rows along; a wake must not turn this into a busy loop
    return { ms: backoffMs(this.#contended, CONTENDED_BACKOFF, this.#deps.rng), wakeable: false };
  }

  /**
   * Wakes the relays of other replicas for rows that this one cannot take. Only then: a notification in every transaction
   * would make all commits of the database queue up for one lock.
   */
  async #tellOthers(): Promise<void> {
    this.#unseen = false;
    await sql`SELECT pg_notify(${this.#channel}, ${this.#id})`.execute(tables(this.#deps.database.read));
  }

  async #round(): Promise<Round> {
    if (!this.#rows.usable) return 'away';
    return this.#deps.database.transaction(async (tx) => {
      if (!(await lockOutbox(tx, this.#deps.prefix, HOLD_MS))) return 'contended';
      // committed before this look, or the next wake comes
      this.#unseen = false;
      const rows = await dueRows(tx, this.#batchRows);
      if (rows.length === 0) return 'empty';
      return this.#record(tx, rows, this.#judged(await this.#rows.publish(rows, CONFIRM_TIMEOUT_MS)));
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
    const isCulprit = outcomes.length === 1 && this.#rows.usable && !this.#loop.stopping.aborted;
    return isCulprit ? ['invalid'] : outcomes;
  }

  async #record(tx: Tx, rows: readonly OutboxRow[], outcomes: readonly RowOutcome[]): Promise<Round> {
    const byOutcome = Map.groupBy(rows, (_row, index) => outcomes[index] ?? 'unknown');
    for (const [outcome, some] of byOutcome) {
      if (outcome === 'kept') continue;
      this.#relayed.inc({ outcome }, some.length);
      if (outcome !== 'confirmed') this.#complain(outcome, some);
    }
    const idsOf = (outcome: RowOutcome): string[] => (byOutcome.get(outcome) ?? []).map((row) => row.id);
    await removeRows(tx, idsOf('confirmed'));
    // rows without an answer keep their turn: the link was lost, not the message refused
    await deferRows(tx, [...idsOf('returned'), ...idsOf('nacked'), ...idsOf('invalid')]);
    return outcomes.some(isSilence) ? 'held_up' : 'more';
  }

  #complain(outcome: RowOutcome, rows: readonly OutboxRow[]): void {
    const [first] = rows;
    const sample = { exchange: first?.exchange, routingKey: first?.routing_key };
    this.#deps.logger.error({ outcome, rows: rows.length, sample }, 'outbox rows stay: they were not confirmed');
  }
}
