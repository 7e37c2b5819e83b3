import { AppError } from '@warren/kernel';
import type { ClientConfig } from 'pg';

/** Milliseconds. Without every one of them the driver waits for ever on a connection whose other end is gone. */
export interface DatabaseTimeouts {
  /** For a free connection of the pool, and for a new one. */
  readonly connectMs: number;
  /** The server cancels a statement after this. */
  readonly statementMs: number;
  /** The server cancels the wait for a lock after this. */
  readonly lockMs: number;
  /**
   * The client gives the connection up after this: a little more than `statementMs`, so that a living server answers
   * first.
   */
  readonly queryMs: number;
  /** The server ends a session that sits in a transaction without a statement. */
  readonly idleInTransactionMs: number;
}

export const DEFAULT_TIMEOUTS: DatabaseTimeouts = {
  connectMs: 1_500,
  statementMs: 3_000,
  lockMs: 2_000,
  queryMs: 3_500,
  idleInTransactionMs: 15_000,
};

const KEEP_ALIVE_MS = 10_000;
const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;

/** Set here, so a URL must not bring its own: the driver would let the URL win. */
const OWN_PARAMETERS = [
  'options',
  'application_name',
  'fallback_application_name',
  'statement_timeout',
  'query_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'connectionTimeoutMillis',
  'keepAlive',
];

const invalid = (message: string): AppError => new AppError('DATABASE_CONFIG_INVALID', message, { kind: 'internal' });

/** Refuses what is no plain lower-case identifier; throws DATABASE_CONFIG_INVALID. */
export function checkSchemaName(schema: string): string {
  if (!SCHEMA.test(schema)) throw invalid(`"${schema}" cannot name a schema: use a-z, 0-9 and _, at most 63.`);
  return schema;
}

/**
 * Parses `postgres://role:password@host:port/database`. Throws DATABASE_CONFIG_INVALID, which never repeats the URL: it
 * holds a password.
 */
export function parseDatabaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw invalid('The database URL is not of the form postgres://role:password@host:port/database.');
  }
  if (url.pathname.length < 2) throw invalid('The database URL names no database.');
  return url;
}

export interface ConnectionSettings {
  readonly url: string;
  /** Becomes the search path; without it the server's default stays. */
  readonly schema?: string;
  readonly applicationName: string;
  readonly timeouts: DatabaseTimeouts;
}

const postgresOptions = (schema: string | undefined): string => {
  const isolation = '-c default_transaction_isolation=read\\ committed';
  return schema === undefined ? isolation : `-c search_path=${checkSchemaName(schema)} ${isolation}`;
};

/** Everything the driver needs for one connection that cannot hang. */
export function clientConfig({ url, schema, applicationName, timeouts }: ConnectionSettings): ClientConfig {
  const parsed = parseDatabaseUrl(url);
  for (const name of OWN_PARAMETERS) parsed.searchParams.delete(name);
  return {
    connectionString: parsed.href,
    application_name: applicationName,
    options: postgresOptions(schema),
    connectionTimeoutMillis: timeouts.connectMs,
    query_timeout: timeouts.queryMs,
    statement_timeout: timeouts.statementMs,
    lock_timeout: timeouts.lockMs,
    idle_in_transaction_session_timeout: timeouts.idleInTransactionMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  };
}
