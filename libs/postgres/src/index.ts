export { type Generated, sql } from 'kysely';
export { Database, type DatabaseDeps } from './database.ts';
export { isUniqueViolation } from './database_error.ts';
export { type DatabasePlan, ensureRolesAndDatabase } from './ensure_roles.ts';
export { type Migration, type MigrationSet, migrate, schemaVersion } from './migrations.ts';
export { limitLockWaits, savepoint, type Tx, tables } from './tx.ts';
