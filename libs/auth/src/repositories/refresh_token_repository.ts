import { sql, type Tx, tables } from '@warren/postgres';
import type { AuthTables } from '../auth_tables.ts';

export interface NewRefreshToken {
  readonly hash: Buffer;
  readonly sessionId: string;
  readonly ttlSeconds: number;
}

/** A presented token, read while its session is locked. */
export interface PresentedToken {
  readonly sessionId: string;
  readonly accountId: string;
  readonly roles: string[];
  readonly gen: number;
  readonly generation: number;
  readonly parent: Buffer | null;
  /** Neither the token nor its session is over, revoked or banned. */
  readonly alive: boolean;
  readonly rotated: boolean;
  /** Rotated so short a time ago that its owner may be repeating a call whose answer was lost. */
  readonly inGrace: boolean;
  readonly successorUsed: boolean;
  readonly successorSealed: Buffer | null;
  /** Seconds that the session may still live. */
  readonly sessionSecondsLeft: number;
  /** Seconds that the successor may still live; 0 without one. */
  readonly successorSecondsLeft: number;
}

export interface Rotation {
  readonly presentedHash: Buffer;
  readonly presented: PresentedToken;
  readonly successorHash: Buffer;
  readonly successorSealed: Buffer;
  readonly ttlSeconds: number;
  readonly sessionId: string;
}

/** How long after its rotation a token may be presented again by mistake, seconds. */
const GRACE_SECONDS = 10;

/** Refresh tokens by hash. All ages are measured by the clock of the database. */
export class RefreshTokenRepository {
  /** The first token of a session. */
  async createFirst(tx: Tx, token: NewRefreshToken): Promise<void> {
    await tables<AuthTables>(tx)
      .insertInto('refresh_tokens')
      .values({
        hash: token.hash,
        session_id: token.sessionId,
        generation: 0,
        parent: null,
        expires_at: sql<Date>`now() + ${token.ttlSeconds} * interval '1 second'`,
        rotated_at: null,
        successor: null,
        successor_sealed: null,
      })
      .execute();
  }

  /**
   * Locks the token's session, then reads the token. Two statements on purpose: under read committed the second one sees
   * what the previous holder of the lock committed; a single joined one would still show the token as it was before.
   */
  async lock(tx: Tx, hash: Buffer): Promise<PresentedToken | undefined> {
    const db = tables<AuthTables>(tx);
    const owner = db.selectFrom('refresh_tokens').select('session_id').where('hash', '=', hash);
    const session = await db.selectFrom('sessions').select('id').where('id', '=', owner).forUpdate().executeTakeFirst();
    if (session === undefined) return undefined;
    const result = await sql<PresentedToken>`
      SELECT t.session_id AS "sessionId", s.account_id AS "accountId", a.roles, a.gen, t.generation, t.parent,
        t.expires_at > clock_timestamp() AND s.expires_at > clock_timestamp()
          AND s.revoked_at IS NULL AND a.banned_at IS NULL AS alive,
        t.rotated_at IS NOT NULL AS rotated,
        coalesce(t.rotated_at > clock_timestamp() - ${GRACE_SECONDS} * interval '1 second', false) AS "inGrace",
        n.rotated_at IS NOT NULL AS "successorUsed", t.successor_sealed AS "successorSealed",
        greatest(0, floor(extract(epoch FROM s.expires_at - clock_timestamp())))::int AS "sessionSecondsLeft",
        coalesce(greatest(0, floor(extract(epoch FROM n.expires_at - clock_timestamp()))), 0)::int AS "successorSecondsLeft"
      FROM refresh_tokens t
        JOIN sessions s ON s.id = t.session_id
        JOIN accounts a ON a.id = s.account_id
        LEFT JOIN refresh_tokens n ON n.hash = t.successor
      WHERE t.hash = ${hash}`.execute(db);
    return result.rows[0];
  }

  /** One statement: the successor, the mark on the spent token, and the end of the predecessor's sealed copy. */
  async rotate(tx: Tx, rotation: Rotation): Promise<void> {
    const { presented, presentedHash, successorHash, successorSealed, sessionId, ttlSeconds } = rotation;
    await sql`
      WITH successor AS (
        INSERT INTO refresh_tokens (hash, session_id, generation, parent, expires_at)
        VALUES (${successorHash}, ${sessionId}, ${presented.generation + 1}, ${presentedHash},
          clock_timestamp() + ${ttlSeconds} * interval '1 second')
      ), spent AS (
        UPDATE refresh_tokens
        SET rotated_at = clock_timestamp(), successor = ${successorHash}, successor_sealed = ${successorSealed}
        WHERE hash = ${presentedHash}
      ), forgotten AS (
        UPDATE refresh_tokens SET successor_sealed = NULL WHERE hash = ${presented.parent}
      )
      UPDATE sessions SET last_used_at = clock_timestamp() WHERE id = ${sessionId}`.execute(tables<AuthTables>(tx));
  }

  /** Deletes tokens that nobody could use any more; at most `limit`. */
  async deleteExpired(tx: Tx, limit: number): Promise<number> {
    const db = tables<AuthTables>(tx);
    const expired = db
      .selectFrom('refresh_tokens')
      .select('hash')
      .where('expires_at', '<', sql<Date>`now()`)
      .limit(limit);
    const result = await db.deleteFrom('refresh_tokens').where('hash', 'in', expired).executeTakeFirst();
    return Number(result.numDeletedRows);
  }
}
