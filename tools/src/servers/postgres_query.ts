import { silentLogger } from '@warren/kernel';
import { Database, sql, type Tx, tables } from '@warren/postgres';
import { Metrics } from '@warren/telemetry';

/** Creating a database copies a template, which a slow disk takes its time for. */
const TIMEOUTS = { connectMs: 5_000, statementMs: 60_000, lockMs: 30_000, queryMs: 65_000 };

/** Runs `work` on a connection of its own, each statement for itself. */
export async function withPostgres<T>(url: string, work: (tx: Tx) => Promise<T>): Promise<T> {
  const metrics = new Metrics('tools');
  const database = new Database({
    url,
    schema: 'public',
    service: 'tools',
    logger: silentLogger(),
    metrics,
    max: 1,
    timeouts: TIMEOUTS,
  });
  try {
    return await work(database.read);
  } finally {
    await database.close();
  }
}

export interface PostgresRights {
  readonly createDatabases: boolean;
  readonly createRoles: boolean;
}

/** What the user of the URL may do. Rejects when it cannot log in. */
export function postgresRights(url: string): Promise<PostgresRights> {
  return withPostgres(url, async (tx) => {
    const query = sql<{ super: boolean; databases: boolean; roles: boolean }>`
      select rolsuper as super, rolcreatedb as databases, rolcreaterole as roles from pg_roles where rolname = current_user`;
    const [row] = (await query.execute(tables(tx))).rows;
    if (row === undefined) return { createDatabases: false, createRoles: false };
    return { createDatabases: row.super || row.databases, createRoles: row.super || row.roles };
  });
}

/** `base` with this database, and with this role and password. */
export function postgresUrl(base: string, database: string, credentials?: { role: string; password: string }): string {
  const url = new URL(base);
  url.pathname = `/${encodeURIComponent(database)}`;
  if (credentials === undefined) return url.href;
  url.username = encodeURIComponent(credentials.role);
  url.password = encodeURIComponent(credentials.password);
  return url.href;
}
