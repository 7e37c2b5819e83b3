import type { PostgresCursor, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type { PoolClient } from 'pg';
import { endsSession, toDatabaseError } from './database_error.ts';

/**
 * A pooled connection that knows when it is no longer good. The driver would give a connection whose query timed out
 * back to the pool, where the next query waits behind the dead one; here every later query fails at once and the
 * release destroys it.
 */
export class GuardedClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #broken: Error | undefined;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>;
  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>;
  query(text: string | PostgresCursor<unknown>, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('cursors are not supported');
    return this.#query(text, parameters);
  }

  release(destroy = false): void {
    this.#client.release(destroy || this.#broken !== undefined);
  }

  async #query(text: string, parameters: readonly unknown[]): Promise<unknown> {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      return await this.#client.query(text, [...parameters]);
    } catch (cause) {
      const error = toDatabaseError(cause);
      if (error instanceof Error && endsSession(error)) this.#broken = error;
      throw error;
    }
  }
}
