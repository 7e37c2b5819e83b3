import { AppError, type Logger, withTimeout } from '@warren/kernel';
import type { Counter, Metrics } from '@warren/telemetry';
import type { PostgresPool } from 'kysely';
import pg from 'pg';
import { toDatabaseError } from './database_error.ts';
import { GuardedClient } from './guarded_client.ts';

const IDLE_MS = 30_000;
/** Connections are renewed, so that changed addresses and rights of a role arrive. */
const LIFETIME_SECONDS = 1_800;
/** Callers that may wait per connection; the next one hears at once that the database is busy. */
const MAX_WAITING_PER_CONNECTION = 50;
const CLOSE_MS = 2_000;

export interface GuardedPoolDeps {
  readonly config: pg.ClientConfig;
  readonly max: number;
  readonly schema: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The pool as Kysely sees it: every wait has an end, broken connections leave, and no error event ends the process. */
export class GuardedPool implements PostgresPool {
  readonly options: object;
  readonly #pool: pg.Pool;
  readonly #logger: Logger;
  readonly #losses: Counter;
  readonly #max: number;
  readonly #live = new Set<pg.PoolClient>();
  readonly #guards = new WeakMap<pg.PoolClient, GuardedClient>();
  readonly #stopMetrics: () => void;
  #closing: Promise<void> | undefined;

  constructor(deps: GuardedPoolDeps) {
    const { config, max } = deps;
    this.#logger = deps.logger;
    this.#max = max;
    this.#losses = deps.metrics.counter(
      'warren_postgres_connection_losses_total',
      'Connections that ended with an error.',
    );
    this.#pool = new pg.Pool({ ...config, max, idleTimeoutMillis: IDLE_MS, maxLifetimeSeconds: LIFETIME_SECONDS });
    this.options = this.#pool.options;
    this.#pool.on('error', (error) => this.#logLoss(error));
    this.#pool.on('connect', (client) => this.#watch(client));
    this.#pool.on('remove', (client) => this.#live.delete(client));
    this.#stopMetrics = this.#measure(deps);
  }

  async connect(): Promise<GuardedClient> {
    if (this.#pool.waitingCount >= this.#max * MAX_WAITING_PER_CONNECTION) {
      throw new AppError('SERVICE_UNAVAILABLE', 'The database is busy. Wait and try again.', {
        kind: 'unavailable',
        retryable: true,
      });
    }
    try {
      const client = await this.#pool.connect();
      const known = this.#guards.get(client);
      if (known !== undefined) return known;
      const guard = new GuardedClient(client);
      this.#guards.set(client, guard);
      return guard;
    } catch (error) {
      throw toDatabaseError(error);
    }
  }

  /**
   * Waits for running work, at most two seconds; then the connections are cut. Never rejects; every call waits for the
   * same end.
   */
  end(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    this.#stopMetrics();
    try {
      await withTimeout(this.#pool.end(), CLOSE_MS, () => new Error('the pool did not drain in time'));
    } catch (error) {
      this.#logger.warn({ err: error, connections: this.#live.size }, 'database connections are cut');
    }
    // Also after a clean end: a half-open socket would wait for the farewell of a server that is gone.
    for (const client of this.#live) client.connection.stream.destroy();
  }

  #watch(client: pg.PoolClient): void {
    this.#live.add(client);
    // A connection in use has no listener of the pool: the end of its backend between two statements would end the
    // process.
    client.on('error', (error) => this.#logger.debug({ err: error }, 'database connection failed'));
    client.once('end', () => this.#live.delete(client));
  }

  #logLoss(error: Error): void {
    this.#losses.inc();
    this.#logger.warn({ err: error }, 'idle database connection lost');
  }

  #measure({ metrics, schema }: GuardedPoolDeps): () => void {
    const gauge = metrics.gauge('warren_postgres_pool', 'Connections of the pool, and callers that wait for one.', [
      'schema',
      'state',
    ]);
    return metrics.beforeRender(() => {
      gauge.set({ schema, state: 'open' }, this.#pool.totalCount);
      gauge.set({ schema, state: 'idle' }, this.#pool.idleCount);
      gauge.set({ schema, state: 'waiting' }, this.#pool.waitingCount);
    });
  }
}
