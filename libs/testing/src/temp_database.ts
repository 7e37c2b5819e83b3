import pg from 'pg';
import { isLeftover, TEMP_NAME_PREFIX, tempName } from './temp_names.ts';
import { testDatabaseUrl } from './test_settings.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/** A database of one test. Roles whose names begin with `name` are removed with it. */
export interface TempDatabase {
  name: string;
  url: string;
  /** The role of the URL, which owns the database. */
  user: string;
  drop: () => Promise<void>;
}

async function withAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: testDatabaseUrl(), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`DROP DATABASE IF EXISTS ${client.escapeIdentifier(name)} WITH (FORCE)`);
  const roles = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1)', [
    name,
  ]);
  for (const { rolname } of roles.rows) await client.query(`DROP ROLE IF EXISTS ${client.escapeIdentifier(rolname)}`);
}

/**
 * An empty database of one's own on the test server, made from template0. Call `drop()` when done; open connections
 * to it are ended.
 */
export async function tempDatabase(): Promise<TempDatabase> {
  const name = tempName();
  await withAdmin((client) => client.query(`CREATE DATABASE ${client.escapeIdentifier(name)} TEMPLATE template0`));
  const url = new URL(testDatabaseUrl());
  url.pathname = `/${name}`;
  return {
    name,
    url: url.href,
    user: decodeURIComponent(url.username),
    drop: () => withAdmin((client) => dropDatabase(client, name)),
  };
}

/** Drops the databases of test processes that died without doing so. */
export async function dropLeftoverDatabases(): Promise<string[]> {
  return withAdmin(async (client) => {
    const found = await client.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE starts_with(datname, $1)',
      [TEMP_NAME_PREFIX],
    );
    const leftovers = found.rows.map((row) => row.datname).filter(isLeftover);
    for (const name of leftovers) await dropDatabase(client, name);
    return leftovers;
  });
}
