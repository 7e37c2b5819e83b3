export { type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely';
export type { ColumnType, Generated } from 'kysely';
export type { DatabaseTimeouts } from './connection_settings.ts';
export { Database, type DatabaseDeps } from './database.ts';
export { isUniqueViolation, toDatabaseError } from './database_error.ts';
export { type Migration, type MigrationSet, migrate, type SchemaVersion, schemaVersion } from './migrations.ts';
export { savepoint, tables, type Tx } from './tx.ts';
