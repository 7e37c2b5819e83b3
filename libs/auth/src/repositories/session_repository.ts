import { sql, type Tx, tables } from '@warren/postgres';
import type { AuthTables } from '../auth_tables.ts';

export interface NewSession {
  readonly id: string;
  readonly accountId: string;
  readonly ttlSeconds: number;
}

export interface LiveSession {
  readonly gen: number;
  readonly roles: string[];
}

export type RevokeReason = 'logout' | 'reuse';

/** Sessions by the clock of the database, so that replicas need not agree on the time. */
export class SessionRepository {
  async create(tx: Tx, session: NewSession): Promise<void> {
    await tables<AuthTables>(tx)
      .insertInto('sessions')
      .values({
        id: session.id,
        account_id: session.accountId,
        expires_at: sql<Date>`now() + ${session.ttlSeconds} * interval '1 second'`,
        revoked_at: null,
        revoke_reason: null,
      })
      .execute();
  }

  /** Waits for a refresh of the same session, which holds its row. Doing it twice changes nothing. */
  async revoke(tx: Tx, sessionId: string, reason: RevokeReason): Promise<void> {
    await tables<AuthTables>(tx)
      .updateTable('sessions')
      .set({ revoked_at: sql<Date>`now()`, revoke_reason: reason })
      .where('id', '=', sessionId)
      .where('revoked_at', 'is', null)
      .execute();
  }

  /** The session of an account, when it is neither revoked nor over and the account is not banned. */
  async findLive(tx: Tx, sessionId: string, accountId: string): Promise<LiveSession | undefined> {
    return tables<AuthTables>(tx)
      .selectFrom('sessions')
      .innerJoin('accounts', 'accounts.id', 'sessions.account_id')
      .select(['accounts.gen', 'accounts.roles'])
      .where('sessions.id', '=', sessionId)
      .where('accounts.id', '=', accountId)
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', sql<Date>`now()`)
      .where('banned_at', 'is', null)
      .executeTakeFirst();
  }

  /** Deletes sessions that are over, with their tokens; at most `limit`. */
  async deleteExpired(tx: Tx, limit: number): Promise<number> {
    const db = tables<AuthTables>(tx);
    const expired = db.selectFrom('sessions').select('id').where('expires_at', '<', sql<Date>`now()`).limit(limit);
    const result = await db.deleteFrom('sessions').where('id', 'in', expired).executeTakeFirst();
    return Number(result.numDeletedRows);
  }
}
