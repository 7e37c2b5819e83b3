import type { MatchSpec } from '@warren/contracts';
import { sql, type Tx, tables } from '@warren/postgres';
import type { AllocationTables, LeaseState } from '../allocation_tables.ts';

interface NewLease {
  readonly leaseId: string;
  readonly gameId: string;
  readonly instanceId: string;
  readonly resourceLevel: 'low' | 'high';
  readonly match: MatchSpec;
  readonly ttlSeconds: number;
}

/** A live lease as its game's caller sees it. */
export interface LiveLease {
  readonly leaseId: string;
  readonly instanceId: string;
  readonly address: string;
  readonly expiresAt: Date | null;
  /** Its time is over and nobody has ended it yet. */
  readonly overdue: boolean;
}

/** A live lease as its server sees it. */
export interface ServerLease {
  readonly leaseId: string;
  readonly gameId: string;
  readonly state: 'reserved' | 'confirmed';
  readonly expiresAt: Date | null;
  readonly overdue: boolean;
  readonly match: MatchSpec;
  /** A heartbeat before this one did not name the game. */
  readonly missing: boolean;
  /** No heartbeat has named it for longer than the time given. */
  readonly missingTooLong: boolean;
}

/** A lease that this transaction has ended; its place still has to be freed. */
export interface EndedLease {
  readonly leaseId: string;
  readonly gameId: string;
  readonly instanceId: string;
}

interface LeaseEnd {
  readonly state: 'released' | 'expired' | 'lost';
  readonly reason: string;
}

interface OwnedLease {
  readonly leaseId: string;
  readonly gameId: string;
  readonly instanceId: string;
}

/** Not the begin of the transaction: one that waited for the end of a game's lease would date the next lease before it. */
const NOW = sql`clock_timestamp()`;
const LIVE = sql`leases.state IN ('reserved', 'confirmed')`;
const OVERDUE = sql<boolean>`(leases.state = 'reserved' AND leases.expires_at <= now())`;
const ENDED = sql`leases.lease_id AS "leaseId", leases.game_id AS "gameId", leases.instance_id AS "instanceId"`;

/** SQL of `leases`. Every ending is one statement, so that of two replicas exactly one ends a lease. */
export class LeaseRepository {
  /** Reserves the game for a server. @returns until when, or undefined when the game has a live lease already */
  async reserve(tx: Tx, lease: NewLease): Promise<Date | undefined> {
    const inserted = await sql<{ expires_at: Date }>`
      INSERT INTO leases (lease_id, game_id, instance_id, state, resource_level, match, created_at, expires_at)
      VALUES (${lease.leaseId}, ${lease.gameId}, ${lease.instanceId}, 'reserved', ${lease.resourceLevel},
        ${JSON.stringify(lease.match)}::jsonb, ${NOW}, ${NOW} + ${lease.ttlSeconds} * interval '1 second')
      ON CONFLICT (game_id) WHERE state IN ('reserved', 'confirmed') DO NOTHING
      RETURNING expires_at`.execute(tables(tx));
    return inserted.rows[0]?.expires_at;
  }

  /** Moves a lease of this transaction to the server that had a place after all. */
  async moveTo(tx: Tx, leaseId: string, instanceId: string): Promise<void> {
    await sql`UPDATE leases SET instance_id = ${instanceId} WHERE lease_id = ${leaseId}`.execute(tables(tx));
  }

  /** Takes back a lease of this transaction that found no place. */
  async discard(tx: Tx, leaseId: string): Promise<void> {
    await sql`DELETE FROM leases WHERE lease_id = ${leaseId}`.execute(tables(tx));
  }

  /** The game's live lease, locked until the end of the transaction. */
  async findLive(tx: Tx, gameId: string): Promise<LiveLease | undefined> {
    const found = await sql<LiveLease>`
      SELECT leases.lease_id AS "leaseId", leases.instance_id AS "instanceId", servers.address,
        leases.expires_at AS "expiresAt", ${OVERDUE} AS overdue
      FROM leases JOIN servers USING (instance_id)
      WHERE leases.game_id = ${gameId} AND ${LIVE}
      FOR UPDATE OF leases`.execute(tables(tx));
    return found.rows[0];
  }

  /** State of the game's latest lease. */
  async latestState(tx: Tx, gameId: string): Promise<LeaseState | undefined> {
    const query = tables<AllocationTables>(tx).selectFrom('leases').select('state').where('game_id', '=', gameId);
    return (await query.orderBy('epoch', 'desc').limit(1).executeTakeFirst())?.state;
  }

  /** Confirms a reservation in time. @returns the match, or undefined when there is nothing to confirm */
  async confirm(tx: Tx, lease: OwnedLease): Promise<MatchSpec | undefined> {
    const confirmed = await sql<{ match: MatchSpec }>`
      UPDATE leases SET state = 'confirmed', expires_at = NULL, confirmed_at = now()
      WHERE lease_id = ${lease.leaseId} AND game_id = ${lease.gameId} AND instance_id = ${lease.instanceId}
        AND state = 'reserved' AND expires_at > now()
      RETURNING match`.execute(tables(tx));
    return confirmed.rows[0]?.match;
  }

  async findOwned(tx: Tx, lease: OwnedLease): Promise<{ state: LeaseState; match: MatchSpec } | undefined> {
    return tables<AllocationTables>(tx)
      .selectFrom('leases')
      .select(['state', 'match'])
      .where('lease_id', '=', lease.leaseId)
      .where('game_id', '=', lease.gameId)
      .where('instance_id', '=', lease.instanceId)
      .executeTakeFirst();
  }

  /** Every live lease of a server, oldest first; at most its capacity, which the contract bounds. */
  async listOfServer(tx: Tx, instanceId: string, missingTooLongSeconds: number): Promise<ServerLease[]> {
    const found = await sql<ServerLease>`
      SELECT lease_id AS "leaseId", game_id AS "gameId", state, expires_at AS "expiresAt", ${OVERDUE} AS overdue, match,
        missing_since IS NOT NULL AS missing,
        coalesce(missing_since <= now() - ${missingTooLongSeconds} * interval '1 second', false) AS "missingTooLong"
      FROM leases WHERE instance_id = ${instanceId} AND ${LIVE} ORDER BY epoch`.execute(tables(tx));
    return found.rows;
  }

  /** Notes that a heartbeat did, or did not, name these games. Leases that another transaction holds wait for the next one. */
  async markMissing(tx: Tx, leaseIds: readonly string[], missing: boolean): Promise<void> {
    if (leaseIds.length === 0) return;
    const since = missing ? sql`now()` : sql`NULL`;
    await sql`
      WITH marked AS MATERIALIZED (
        SELECT lease_id FROM leases WHERE lease_id = ANY(${[...leaseIds]}::uuid[]) AND state = 'confirmed'
        FOR UPDATE SKIP LOCKED
      )
      UPDATE leases SET missing_since = ${since} FROM marked WHERE leases.lease_id = marked.lease_id`.execute(
      tables(tx),
    );
  }

  /** Ends the game's live lease, whichever it is. */
  async endOfGame(tx: Tx, gameId: string, end: LeaseEnd): Promise<EndedLease[]> {
    const ended = await sql<EndedLease>`
      UPDATE leases SET state = ${end.state}, ended_at = ${NOW}, end_reason = ${end.reason}
      WHERE game_id = ${gameId} AND ${LIVE}
      RETURNING ${ENDED}`.execute(tables(tx));
    return ended.rows;
  }

  /** Ends these leases where they are still live; one that another transaction holds is left to it. */
  async endThese(tx: Tx, leaseIds: readonly string[], end: LeaseEnd): Promise<EndedLease[]> {
    if (leaseIds.length === 0) return [];
    return this.#end(
      tx,
      end,
      sql`SELECT lease_id FROM leases WHERE lease_id = ANY(${[...leaseIds]}::uuid[]) AND ${LIVE}`,
    );
  }

  /** Ends reservations that nobody confirmed in time. */
  async endOverdue(tx: Tx, end: LeaseEnd, limit: number): Promise<EndedLease[]> {
    return this.#end(tx, end, sql`SELECT lease_id FROM leases WHERE ${OVERDUE} ORDER BY expires_at LIMIT ${limit}`);
  }

  /** Ends what servers held that are lost now. */
  async endOfLostServers(tx: Tx, end: LeaseEnd, limit: number): Promise<EndedLease[]> {
    const due = sql`
      SELECT lease_id FROM leases JOIN servers USING (instance_id)
      WHERE servers.state = 'lost' AND ${LIVE} ORDER BY epoch LIMIT ${limit}`;
    return this.#end(tx, end, due);
  }

  /** Forgets leases that ended long ago. @returns how many */
  async prune(tx: Tx, olderThanDays: number, limit: number): Promise<number> {
    const pruned = await sql<{ lease_id: string }>`
      WITH old AS MATERIALIZED (
        SELECT lease_id FROM leases WHERE ended_at < now() - ${olderThanDays} * interval '1 day'
        LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      DELETE FROM leases USING old WHERE leases.lease_id = old.lease_id RETURNING leases.lease_id`.execute(tables(tx));
    return pruned.rows.length;
  }

  /** MATERIALIZED, because a sub-select with LIMIT and locks that the planner repeats would end more than it says. */
  async #end(tx: Tx, end: LeaseEnd, due: ReturnType<typeof sql>): Promise<EndedLease[]> {
    const ended = await sql<EndedLease>`
      WITH due AS MATERIALIZED (${due} FOR UPDATE OF leases SKIP LOCKED)
      UPDATE leases SET state = ${end.state}, ended_at = ${NOW}, end_reason = ${end.reason}
      FROM due WHERE leases.lease_id = due.lease_id
      RETURNING ${ENDED}`.execute(tables(tx));
    return ended.rows;
  }
}
