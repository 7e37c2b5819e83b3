import type { Logger } from '@warren/kernel';
import type { Histogram, Metrics } from '@warren/telemetry';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { clientConfig, type DatabaseTimeouts, DEFAULT_TIMEOUTS } from './connection_settings.ts';
import { toCommitError, toDatabaseError } from './database_error.ts';
import { GuardedPool } from './guarded_pool.ts';
import { NotificationLink } from './notification_link.ts';
import { logQueries } from './query_spans.ts';
import { Tx } from './tx.ts';

const DEFAULT_MAX = 10;

export interface DatabaseDeps {
  /** `postgres://role:password@host:port/database`. */
  readonly url: string;
  /** The schema of this service: its search path. */
  readonly schema: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Connections at most; 10 unless told. */
  readonly max?: number;
  /** Shown by the server as `warren.<service>`; the schema unless told. */
  readonly service?: string;
  readonly timeouts?: Partial<DatabaseTimeouts>;
}

type Outcome = 'committed' | 'rolled_back' | 'unknown';

/**
 * One service's part of the database. Connects when first used; every failure of the server or the way to it is an
 * AppError.
 */
export class Database {
  /**
   * Runs each statement for itself, in autocommit. Meant for reading: a write whose answer is lost may have been
   * applied.
   */
  readonly read: Tx;
  readonly #schema: string;
  readonly #kysely: Kysely<unknown>;
  readonly #pool: GuardedPool;
  readonly #notifications: NotificationLink;
  readonly #durations: Histogram;

  constructor(deps: DatabaseDeps) {
    const { url, schema, logger, metrics, max = DEFAULT_MAX, service = schema } = deps;
    const timeouts = { ...DEFAULT_TIMEOUTS, ...deps.timeouts };
    const settings = { url, schema, timeouts };
    const config = clientConfig({ ...settings, applicationName: `warren.${service}` });
    this.#pool = new GuardedPool({ config, max, schema, logger, metrics });
    this.#kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: this.#pool }), log: logQueries(schema) });
    this.read = new Tx(this.#kysely);
    const listenConfig = clientConfig({ ...settings, applicationName: `warren.${service}.listen` });
    this.#notifications = new NotificationLink({ config: listenConfig, logger });
    this.#durations = metrics.histogram(
      'warren_postgres_transaction_seconds',
      'From BEGIN to the end of a transaction.',
      ['schema', 'outcome'],
    );
    this.#schema = schema;
  }

  /**
   * Runs `work` in one read-committed transaction and commits; when `work` throws, everything is rolled back and the
   * error thrown on. Throws SERVICE_UNAVAILABLE (retryable; nothing was applied) for transient failures and
   * SERVICE_LINK_LOST (retryable with the same key) when the connection was lost during COMMIT, so that nobody knows
   * whether it was applied.
   */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    let committing = false;
    let failure: { readonly error: unknown } | undefined;
    let outcome: Outcome = 'rolled_back';
    try {
      const result = await this.#kysely.transaction().execute(async (executor) => {
        try {
          const value = await work(new Tx(executor));
          committing = true;
          return value;
        } catch (error) {
          // Kept, because a rollback that fails as well would hide it.
          failure = { error };
          throw error;
        }
      });
      outcome = 'committed';
      return result;
    } catch (error) {
      const mapped = committing ? toCommitError(error) : toDatabaseError(failure === undefined ? error : failure.error);
      if (committing) outcome = 'unknown';
      throw mapped;
    } finally {
      this.#durations.observe({ schema: this.#schema, outcome }, (performance.now() - startedAt) / 1000);
    }
  }

  /**
   * Resolves when the server answers; rejects with SERVICE_UNAVAILABLE or DATABASE_ACCESS_REFUSED within the connect
   * and query timeouts.
   */
  async ping(): Promise<void> {
    await sql`select 1`.execute(this.#kysely);
  }

  /**
   * Calls `onNotify` with the payload of every notification on `channel`, over one connection of its own that is
   * supervised and restored. An empty payload also comes after each restored connection, because notifications may have
   * been missed. Resolves when subscribed, or when the first try failed (further ones follow). The returned function
   * ends it.
   */
  listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    return this.#notifications.listen(channel, onNotify);
  }

  /** Bounded: running work has two seconds. Never rejects. */
  async close(): Promise<void> {
    await Promise.all([this.#notifications.close(), this.#pool.end()]);
  }
}
