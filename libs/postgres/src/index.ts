export { type Generated, type Kysely, sql } from 'kysely';
export type { DatabaseTimeouts } from './connection_settings.ts';
export { Database, type DatabaseDeps } from './database.ts';
export { isUniqueViolation, toDatabaseError } from './database_error.ts';
export { type DatabasePlan, type EnsureResult, ensureRolesAndDatabase } from './ensure_roles.ts';
export { type Migration, type MigrationSet, migrate, type SchemaVersion, schemaVersion } from './migrations.ts';
export { savepoint, type Tx, tables } from './tx.ts';
