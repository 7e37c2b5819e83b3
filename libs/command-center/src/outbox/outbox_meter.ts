import type { Clock, Logger, Rng } from '@warren/kernel';
import { type Database, sql, tables } from '@warren/postgres';
import type { Gauge, Metrics } from '@warren/telemetry';
import { PollLoop } from '../poll_loop.ts';

export interface OutboxMeterDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const EVERY_MS = 5_000;
/** Counting more costs more than it tells. */
const MAX_COUNTED = 10_000;

interface Backlog {
  readonly rows: number;
  readonly refused: number;
  readonly oldest: number;
  readonly blocked: number;
}

/** Looks now and then how much waits in the outbox, and which keys wait for a decision. Every replica says the same. */
export class OutboxMeter {
  readonly #database: Database;
  readonly #loop: PollLoop;
  readonly #rows: Gauge;
  readonly #refused: Gauge;
  readonly #oldest: Gauge;
  readonly #blocked: Gauge;

  constructor(deps: OutboxMeterDeps) {
    const { metrics } = deps;
    this.#database = deps.database;
    this.#loop = new PollLoop({ ...deps, name: 'outbox meter', pollMs: EVERY_MS }, () => this.#look());
    this.#rows = metrics.gauge('warren_outbox_rows', `Rows that wait to be published, counted up to ${MAX_COUNTED}.`);
    this.#refused = metrics.gauge(
      'warren_outbox_refused_rows',
      'Waiting rows that the broker returned or refused once at least: no queue takes them, or it is full.',
    );
    this.#oldest = metrics.gauge('warren_outbox_oldest_seconds', 'Age of the oldest waiting row.');
    this.#blocked = metrics.gauge('warren_blocked_keys', 'Keys whose commands are parked until somebody decides.');
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #look(): Promise<void> {
    const { rows } = await sql<Backlog>`
      SELECT count(*)::int AS rows, (count(*) FILTER (WHERE attempts > 0))::int AS refused,
        coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest,
        (SELECT count(DISTINCT key) FROM blocked_commands)::int AS blocked
      FROM (SELECT attempts, created_at FROM outbox ORDER BY id LIMIT ${MAX_COUNTED}) AS first`.execute(
      tables(this.#database.read),
    );
    const [backlog] = rows;
    this.#rows.set({}, backlog?.rows ?? 0);
    this.#refused.set({}, backlog?.refused ?? 0);
    this.#oldest.set({}, backlog?.oldest ?? 0);
    this.#blocked.set({}, backlog?.blocked ?? 0);
  }
}
