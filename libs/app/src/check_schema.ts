import { AppError, type Logger } from '@warren/kernel';
import { type Database, type MigrationSet, migrate, schemaVersion, sql, tables } from '@warren/postgres';

export interface CheckSchemaDeps {
  readonly database: Database;
  readonly set: MigrationSet;
  readonly url: string;
  /** See DATABASE_MIGRATE. */
  readonly mayMigrate: boolean;
  readonly logger: Logger;
}

const PERMISSION_DENIED = '42501';

/**
 * Compares the schema with the code; where it may, brings an older one up to date.
 * @throws AppError DATABASE_SCHEMA_MISMATCH or DATABASE_MIGRATE_REFUSED, each with the way out
 */
export async function checkSchema(deps: CheckSchemaDeps): Promise<void> {
  const { database, set, mayMigrate } = deps;
  const version = await schemaVersion(database, set);
  if (version === 'current') return;
  if (version === 'behind' && mayMigrate) return migrateAsService(deps);
  const sentence =
    version === 'behind'
      ? `The database schema "${set.schema}" is older than this code: run "npm run warren -- migrate".`
      : `The database schema "${set.schema}" is newer than this code: start the release that migrated it.`;
  throw new AppError('DATABASE_SCHEMA_MISMATCH', sentence, { kind: 'internal' });
}

async function migrateAsService({ database, set, url, logger }: CheckSchemaDeps): Promise<void> {
  const { rows } = await sql<{ role: string }>`SELECT current_user AS role`.execute(tables(database.read));
  const role = rows[0]?.role ?? '';
  try {
    const { applied } = await migrate(url, set, { role });
    logger.info({ schema: set.schema, applied }, 'schema migrated');
  } catch (cause) {
    if (!isPermissionDenied(cause)) throw cause;
    const sentence = `DATABASE_MIGRATE: role "${role}" may not change schema "${set.schema}": run "npm run warren -- migrate" instead.`;
    throw new AppError('DATABASE_MIGRATE_REFUSED', sentence, { kind: 'internal', cause });
  }
}

function isPermissionDenied(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === PERMISSION_DENIED;
}
