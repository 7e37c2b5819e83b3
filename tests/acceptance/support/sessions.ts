import { type Database, sql, tables } from '@warren/postgres';
import { TEST_SERVICE, testDatabase } from '../../e2e/support/test_database.ts';

/** Of tests, which do not count. */
const OWN_SESSIONS = `warren.${TEST_SERVICE}%`;

/** Sessions of the services on a database server. */
export interface DatabaseSessions {
  readonly byRole: Readonly<Record<string, number>>;
  /** Those that have sat in a transaction without a statement for seconds. */
  readonly stuck: number;
}

/** Looks at the sessions of one database, by an account that may see all of them. */
export class SessionWatch {
  readonly #database: Database;
  readonly #name: string;

  /** `url`: the database, with an administrator. */
  constructor(url: string) {
    this.#name = new URL(url).pathname.slice(1);
    this.#database = testDatabase(url, 'public');
  }

  async read(): Promise<DatabaseSessions> {
    const { rows } = await sql<{ role: string; sessions: number; stuck: number }>`
      SELECT usename AS role, count(*)::int AS sessions,
        count(*) FILTER (WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '4 s')::int AS stuck
      FROM pg_stat_activity
      WHERE datname = ${this.#name} AND application_name NOT LIKE ${OWN_SESSIONS} GROUP BY usename`.execute(
      tables(this.#database.read),
    );
    return {
      byRole: Object.fromEntries(rows.map(({ role, sessions }) => [role, sessions])),
      stuck: rows.reduce((sum, { stuck }) => sum + stuck, 0),
    };
  }

  /** Ends every session of the services at once, as an operator or a failover does. Resolves to their number. */
  async terminateAll(): Promise<number> {
    const { rows } = await sql<{ ended: boolean }>`
      SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
      WHERE datname = ${this.#name} AND application_name NOT LIKE ${OWN_SESSIONS}`.execute(tables(this.#database.read));
    return rows.filter(({ ended }) => ended).length;
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
