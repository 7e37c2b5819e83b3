import { AppError } from '@warren/kernel';
import { sql, type Tx, tables } from '@warren/postgres';

/** As long as the inbox remembers: no older command is under way any more. */
const RETENTION = '7 days';

export interface KeyVersion {
  readonly command: string;
  readonly key: string;
  readonly version: number;
}

/**
 * Notes in the transaction of the effect that this version was applied. Two at the same time wait for each other here.
 * @throws AppError COMMAND_STALE when it is not newer than the newest one that was
 */
export async function claimVersion(tx: Tx, { command, key, version }: KeyVersion): Promise<void> {
  const { rows } = await sql`
    INSERT INTO key_versions (command, key, version, expires_at)
    VALUES (${command}, ${key}, ${version}, now() + ${RETENTION}::interval)
    ON CONFLICT (command, key) DO UPDATE SET version = excluded.version, expires_at = excluded.expires_at
      WHERE key_versions.version < excluded.version
    RETURNING true`.execute(tables(tx));
  if (rows.length > 0) return;
  throw new AppError('COMMAND_STALE', 'A newer version was applied already.', { kind: 'conflict' });
}
