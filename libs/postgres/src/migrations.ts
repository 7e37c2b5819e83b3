import { AppError } from '@warren/kernel';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { checkSchemaName, clientConfig, type DatabaseTimeouts } from './connection_settings.ts';
import type { Database } from './database.ts';
import { toDatabaseError } from './database_error.ts';
import { Tx } from './tx.ts';

/** One step of a schema. Runs as the owner, in a transaction, with the search path set to the schema. */
export interface Migration {
  readonly up: (db: Kysely<unknown>) => Promise<void>;
}

/** The steps of one schema by name; they run in the order of their sorted names (`0001_accounts`). */
export interface MigrationSet {
  readonly schema: string;
  readonly migrations: Readonly<Record<string, Migration>>;
}

/** Whether the database fits the code. `ahead`: it has every step the code knows and others besides. */
export type SchemaVersion = 'current' | 'behind' | 'ahead';

/** Building an index takes its time; waiting for a lock that a busy service holds must not. */
const MIGRATION_TIMEOUTS: DatabaseTimeouts = {
  connectMs: 10_000,
  statementMs: 300_000,
  lockMs: 30_000,
  queryMs: 310_000,
  idleInTransactionMs: 60_000,
};

const NAME = /^\d{4}_[a-z0-9_]{1,80}$/;
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_ROLE = '42704';
const PERMISSION_DENIED = '42501';

const refuse = (code: string, message: string, cause?: unknown): AppError =>
  new AppError(code, message, { kind: 'conflict', cause });

const hasState = (error: unknown, ...states: string[]): boolean =>
  error instanceof pg.DatabaseError && states.includes(error.code ?? '');

function checkSet(set: MigrationSet): string[] {
  checkSchemaName(set.schema);
  const names = Object.keys(set.migrations).sort();
  const wrong = names.find((name) => !NAME.test(name));
  if (wrong !== undefined) throw new TypeError(`migration "${wrong}" is not named like 0001_accounts`);
  return names;
}

async function readNames(executor: Kysely<unknown>, schema: string): Promise<string[]> {
  const { rows } = await sql<{
    name: string;
  }>`select name from ${sql.id(schema, 'schema_migrations')} order by name`.execute(executor);
  return rows.map((row) => row.name);
}

/**
 * Brings a schema up to date: creates it, applies the missing steps in order, each in its own transaction with the
 * record of it, and gives `role` the use of the tables (SELECT, INSERT, UPDATE, DELETE) and sequences, now and for
 * later ones, but no right to change them. Concurrent calls wait for each other. Throws DATABASE_SCHEMA_AHEAD when the
 * database has steps that the set does not know, DATABASE_ROLE_MISSING, SERVICE_UNAVAILABLE, or what a step threw; the
 * steps before it stay applied.
 */
export async function migrate(
  ownerUrl: string,
  set: MigrationSet,
  options: { readonly role: string },
): Promise<{ applied: string[] }> {
  const names = checkSet(set);
  const { schema } = set;
  const config = clientConfig({
    url: ownerUrl,
    schema,
    applicationName: `warren.migrate.${schema}`,
    timeouts: MIGRATION_TIMEOUTS,
  });
  const pool = new pg.Pool({ ...config, max: 1 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const kysely = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }), log: [] });
  try {
    return await kysely.connection().execute(async (executor) => {
      // Held by the session: it ends with the connection, whatever happens to this process.
      await sql`select pg_advisory_lock(hashtextextended(${`warren.migrate.${schema}`}, 0))`.execute(executor);
      await prepareSchema(executor, schema);
      const applied = await applyMissing(executor, set, names);
      await grantUse(executor, schema, options.role);
      return { applied };
    });
  } catch (error) {
    throw toDatabaseError(error);
  } finally {
    await kysely.destroy();
  }
}

async function prepareSchema(executor: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql`select 1 from pg_namespace where nspname = ${schema}`.execute(executor);
  // Not "if not exists" alone: that asks for the right to create even when there is nothing to create.
  if (rows.length === 0) await sql`create schema if not exists ${sql.id(schema)}`.execute(executor);
  await sql`create table if not exists ${sql.id(schema, 'schema_migrations')} (
    name text primary key, applied_at timestamptz not null default now())`.execute(executor);
}

async function applyMissing(executor: Kysely<unknown>, set: MigrationSet, names: readonly string[]): Promise<string[]> {
  const known = new Set(names);
  const done = new Set(await readNames(executor, set.schema));
  const foreign = [...done].filter((name) => !known.has(name));
  if (foreign.length > 0) {
    throw refuse(
      'DATABASE_SCHEMA_AHEAD',
      `Schema ${set.schema} is newer than this code: it has ${foreign.join(', ')}.`,
    );
  }
  const missing = names.filter((name) => !done.has(name));
  for (const name of missing) {
    await executor.transaction().execute(async (transaction) => {
      await set.migrations[name]?.up(transaction);
      await sql`insert into ${sql.id(set.schema, 'schema_migrations')} (name) values (${name})`.execute(transaction);
    });
  }
  return missing;
}

async function grantUse(executor: Kysely<unknown>, schema: string, role: string): Promise<void> {
  const { rows } = await sql<{ owner: string }>`select current_user as owner`.execute(executor);
  // The owner has every right already, and taking the record of steps from itself would stop the next migration.
  if (rows[0]?.owner === role) return;
  const [inSchema, to] = [sql.id(schema), sql.id(role)];
  const statements = [
    sql`grant usage on schema ${inSchema} to ${to}`,
    sql`grant select, insert, update, delete on all tables in schema ${inSchema} to ${to}`,
    sql`grant usage, select on all sequences in schema ${inSchema} to ${to}`,
    sql`alter default privileges in schema ${inSchema} grant select, insert, update, delete on tables to ${to}`,
    sql`alter default privileges in schema ${inSchema} grant usage, select on sequences to ${to}`,
    sql`revoke insert, update, delete on ${sql.id(schema, 'schema_migrations')} from ${to}`,
  ];
  try {
    await executor.transaction().execute(async (transaction) => {
      for (const statement of statements) await statement.execute(transaction);
    });
  } catch (error) {
    if (hasState(error, UNDEFINED_ROLE))
      throw refuse('DATABASE_ROLE_MISSING', `Role ${role} does not exist. Run the set-up first.`, error);
    throw error;
  }
}

/**
 * Compares the schema with the code; asks with the rights of the service. `behind` also when the schema was never made.
 */
export async function schemaVersion(db: Database, set: MigrationSet): Promise<SchemaVersion> {
  const names = checkSet(set);
  try {
    const done = new Set(await readNames(Tx.executorOf(db.read), set.schema));
    if (names.some((name) => !done.has(name))) return 'behind';
    return done.size > names.length ? 'ahead' : 'current';
  } catch (error) {
    if (hasState(error, UNDEFINED_TABLE, PERMISSION_DENIED)) return 'behind';
    throw error;
  }
}
