import { sql, type Tx, tables } from '@warren/postgres';
import type { AllocationTables, ServerState } from '../allocation_tables.ts';

interface ServerRegistration {
  readonly instanceId: string;
  readonly address: string;
  readonly region: string;
  readonly version: string;
  readonly tags: readonly string[];
  readonly capacity: number;
}

/** A ready server with its places. */
export interface ServerPlaces {
  readonly instanceId: string;
  readonly capacity: number;
  readonly used: number;
}

/** SQL of `servers`. `used` moves only here, by single guarded statements inside the transaction of the lease. */
export class ServerRepository {
  /** Inserts or renews the entry. Its leases stay as they are: the heartbeats that follow say which games still run. */
  async register(tx: Tx, server: ServerRegistration): Promise<void> {
    await sql`
      INSERT INTO servers (instance_id, address, region, version, tags, declared_capacity, capacity)
      VALUES (${server.instanceId}, ${server.address}, ${server.region}, ${server.version}, ${[...server.tags]}::text[],
        ${server.capacity}, ${server.capacity})
      ON CONFLICT (instance_id) DO UPDATE SET
        address = excluded.address, region = excluded.region, version = excluded.version, tags = excluded.tags,
        declared_capacity = excluded.declared_capacity, capacity = greatest(excluded.declared_capacity, servers.used),
        state = 'ready', registered_at = now(), last_seen_at = now()`.execute(tables(tx));
  }

  /** State of a server that is not lost, and whether its `last_seen_at` is due for a new value. */
  async find(
    tx: Tx,
    instanceId: string,
    touchAfterSeconds: number,
  ): Promise<{ state: ServerState; touchDue: boolean } | undefined> {
    return tables<AllocationTables>(tx)
      .selectFrom('servers')
      .select(['state', sql<boolean>`last_seen_at < now() - ${touchAfterSeconds} * interval '1 second'`.as('touchDue')])
      .where('instance_id', '=', instanceId)
      .where('state', '<>', 'lost')
      .executeTakeFirst();
  }

  async touch(tx: Tx, instanceId: string): Promise<void> {
    await sql`UPDATE servers SET last_seen_at = now() WHERE instance_id = ${instanceId} AND state <> 'lost'`.execute(
      tables(tx),
    );
  }

  /** Gives no new games to the server. @returns the games that it still holds, or undefined when it is not registered */
  async drain(tx: Tx, instanceId: string): Promise<number | undefined> {
    const drained = await sql<{ used: number }>`
      UPDATE servers SET state = 'draining' WHERE instance_id = ${instanceId} AND state <> 'lost' RETURNING used`.execute(
      tables(tx),
    );
    return drained.rows[0]?.used;
  }

  /** Ready servers that were seen lately, those with free places first. In a larger fleet a random part of it. */
  async listPlaces(tx: Tx, seenWithinSeconds: number, limit: number): Promise<ServerPlaces[]> {
    return tables<AllocationTables>(tx)
      .selectFrom('servers')
      .select(['instance_id as instanceId', 'capacity', 'used'])
      .where('state', '=', 'ready')
      .where('last_seen_at', '>', sql<Date>`now() - ${seenWithinSeconds} * interval '1 second'`)
      .orderBy(sql`used < capacity`, 'desc')
      .orderBy(sql`random()`)
      .limit(limit)
      .execute();
  }

  /** Takes one place. @returns the server's address, or undefined when it is full, draining or lost */
  async takePlace(tx: Tx, instanceId: string): Promise<string | undefined> {
    const taken = await sql<{ address: string }>`
      UPDATE servers SET used = used + 1
      WHERE instance_id = ${instanceId} AND state = 'ready' AND used < capacity
      RETURNING address`.execute(tables(tx));
    return taken.rows[0]?.address;
  }

  /**
   * As `takePlace`, for a transaction that holds a server: it must not wait for a second one, which may be held by one that
   * waits for the first. @returns undefined also when another transaction holds the server
   */
  async takeIdlePlace(tx: Tx, instanceId: string): Promise<string | undefined> {
    const idle = await sql`
      SELECT 1 FROM servers WHERE instance_id = ${instanceId} FOR NO KEY UPDATE SKIP LOCKED`.execute(tables(tx));
    return idle.rows.length === 0 ? undefined : this.takePlace(tx, instanceId);
  }

  /**
   * Gives places back. Servers are locked in the order of their ids and always after leases, so that no two transactions
   * wait for each other.
   */
  async freePlaces(tx: Tx, places: ReadonlyMap<string, number>): Promise<void> {
    for (const [instanceId, count] of [...places].sort(([a], [b]) => (a < b ? -1 : 1))) {
      await sql`
        UPDATE servers SET used = used - ${count}, capacity = greatest(declared_capacity, used - ${count})
        WHERE instance_id = ${instanceId}`.execute(tables(tx));
    }
  }

  /** Servers that were silent for too long become lost. @returns their ids */
  async markLost(tx: Tx, silentSeconds: number, limit: number): Promise<string[]> {
    const lost = await sql<{ instance_id: string }>`
      WITH silent AS MATERIALIZED (
        SELECT instance_id FROM servers
        WHERE state <> 'lost' AND last_seen_at < now() - ${silentSeconds} * interval '1 second'
        ORDER BY instance_id LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE servers SET state = 'lost' FROM silent
      WHERE servers.instance_id = silent.instance_id
      RETURNING servers.instance_id`.execute(tables(tx));
    return lost.rows.map((row) => row.instance_id);
  }

  /** Forgets servers that are lost for long and hold nothing. @returns how many */
  async prune(tx: Tx, olderThanDays: number, limit: number): Promise<number> {
    const pruned = await sql<{ instance_id: string }>`
      WITH old AS MATERIALIZED (
        SELECT instance_id FROM servers
        WHERE state = 'lost' AND used = 0 AND last_seen_at < now() - ${olderThanDays} * interval '1 day'
        LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      DELETE FROM servers USING old WHERE servers.instance_id = old.instance_id RETURNING servers.instance_id`.execute(
      tables(tx),
    );
    return pruned.rows.length;
  }
}
