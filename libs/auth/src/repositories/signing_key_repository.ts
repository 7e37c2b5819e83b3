import { sql, type Tx, tables } from '@warren/postgres';
import type { Jwks } from '@warren/tokens';
import type { AuthTables } from '../auth_tables.ts';

export interface StoredSigningKey {
  readonly kid: string;
  readonly privateSealed: Buffer;
}

export interface NewSigningKey extends StoredSigningKey {
  readonly publicX: string;
  readonly publicY: string;
}

/** A retired key stays published until every token that it signed has ended: ten minutes of life and some tolerance. */
const RETIRED_PUBLISHED_MINUTES = 15;
/** As many as a verifier believes. */
const MAX_PUBLISHED = 16;

export class SigningKeyRepository {
  async findActive(tx: Tx): Promise<StoredSigningKey | undefined> {
    const row = await tables<AuthTables>(tx)
      .selectFrom('signing_keys')
      .select(['kid', 'private_sealed'])
      .where('state', '=', 'active')
      .executeTakeFirst();
    return row === undefined ? undefined : { kid: row.kid, privateSealed: row.private_sealed };
  }

  /** One replica at a time decides about keys; the others wait here until it has committed. */
  async lockKeys(tx: Tx): Promise<void> {
    await sql`SELECT pg_advisory_xact_lock(hashtextextended('auth.signing_keys', 0))`.execute(tables<AuthTables>(tx));
  }

  async createActive(tx: Tx, key: NewSigningKey): Promise<void> {
    await tables<AuthTables>(tx)
      .insertInto('signing_keys')
      .values({
        kid: key.kid,
        state: 'active',
        public_x: key.publicX,
        public_y: key.publicY,
        private_sealed: key.privateSealed,
        retired_at: null,
      })
      .execute();
  }

  /** Public halves: the active key, the next one (so that verifiers know it in time) and lately retired ones. */
  async published(tx: Tx): Promise<Jwks> {
    const rows = await tables<AuthTables>(tx)
      .selectFrom('signing_keys')
      .select(['kid', 'public_x', 'public_y'])
      .where((where) =>
        where.or([
          where('state', '!=', 'retired'),
          where('retired_at', '>', sql<Date>`now() - ${RETIRED_PUBLISHED_MINUTES} * interval '1 minute'`),
        ]),
      )
      .orderBy('created_at', 'desc')
      .limit(MAX_PUBLISHED)
      .execute();
    const keys = rows.map(
      ({ kid, public_x: x, public_y: y }) =>
        ({ kty: 'EC', crv: 'P-256', x, y, kid, alg: 'ES256', use: 'sig' }) as const,
    );
    return { keys };
  }
}
