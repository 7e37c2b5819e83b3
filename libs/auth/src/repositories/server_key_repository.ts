import { sql, type Tx, tables } from '@warren/postgres';
import type { AuthTables } from '../auth_tables.ts';

export interface StoredServerKey {
  readonly id: string;
  readonly hash: Buffer;
  readonly revoked: boolean;
}

/** An instance id that its server has not used for this long may go to another key. */
const BINDING_DAYS = 30;

export class ServerKeyRepository {
  /** Resolves to false when the key exists already. */
  async create(tx: Tx, key: { readonly id: string; readonly name: string; readonly hash: Buffer }): Promise<boolean> {
    const created = await tables<AuthTables>(tx)
      .insertInto('server_keys')
      .values({ ...key, revoked_at: null })
      .onConflict((conflict) => conflict.column('hash').doNothing())
      .returning('id')
      .executeTakeFirst();
    return created !== undefined;
  }

  async find(tx: Tx, hash: Buffer): Promise<StoredServerKey | undefined> {
    const row = await tables<AuthTables>(tx)
      .selectFrom('server_keys')
      .select(['id', 'hash', 'revoked_at'])
      .where('hash', '=', hash)
      .executeTakeFirst();
    return row === undefined ? undefined : { id: row.id, hash: row.hash, revoked: row.revoked_at !== null };
  }

  /**
   * Binds an instance id to the key that uses it first. A revoked key owns nothing: otherwise a fleet whose key was
   * changed could not come back under its own names. Resolves to false when it belongs to another key.
   */
  async bindInstance(tx: Tx, instanceId: string, serverKeyId: string): Promise<boolean> {
    const db = tables<AuthTables>(tx);
    const revoked = db.selectFrom('server_keys').select('id').where('revoked_at', 'is not', null);
    const bound = await db
      .insertInto('server_instances')
      .values({ instance_id: instanceId, server_key_id: serverKeyId })
      .onConflict((conflict) =>
        conflict
          .column('instance_id')
          .doUpdateSet({ server_key_id: serverKeyId, last_used_at: sql<Date>`now()` })
          .where((owner) =>
            owner.or([
              owner('server_instances.server_key_id', '=', serverKeyId),
              owner('server_instances.server_key_id', 'in', revoked),
            ]),
          ),
      )
      .returning('instance_id')
      .executeTakeFirst();
    return bound !== undefined;
  }

  async deleteUnusedBindings(tx: Tx, limit: number): Promise<number> {
    const db = tables<AuthTables>(tx);
    const unused = db
      .selectFrom('server_instances')
      .select('instance_id')
      .where('last_used_at', '<', sql<Date>`now() - ${BINDING_DAYS} * interval '1 day'`)
      .limit(limit);
    const result = await db.deleteFrom('server_instances').where('instance_id', 'in', unused).executeTakeFirst();
    return Number(result.numDeletedRows);
  }
}
