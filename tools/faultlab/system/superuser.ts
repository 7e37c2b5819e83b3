import { silentLogger } from '@warren/kernel';
import { Database, sql, tables } from '@warren/postgres';
import { Metrics } from '@warren/telemetry';
import type { LabServers } from './lab_servers.ts';

/** Runs one query as the superuser of the lab's Postgres. */
async function asSuperuser<T>(servers: LabServers, query: ReturnType<typeof sql>): Promise<T[]> {
  const { url } = servers.postgres;
  const [logger, metrics] = [silentLogger(), new Metrics('faultlab')];
  const timeouts = { connectMs: 20_000, statementMs: 20_000, queryMs: 25_000 };
  const database = new Database({ url, schema: 'public', service: 'superuser', logger, metrics, max: 1, timeouts });
  try {
    return (await sql<T>`${query}`.execute(tables(database.read))).rows;
  } finally {
    await database.close();
  }
}

const OF_SERVICES = sql`application_name LIKE 'warren.%' AND application_name NOT IN ('warren.superuser', 'warren.faultlab')`;

/** Ends every session of the services, as an administrator or a failover does. */
export async function terminateSessions(servers: LabServers): Promise<void> {
  await asSuperuser(servers, sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OF_SERVICES}`);
}

/** Sessions of the services at this moment. */
export async function countSessions(servers: LabServers): Promise<number> {
  const query = sql`SELECT count(*)::int AS count FROM pg_stat_activity WHERE ${OF_SERVICES}`;
  return (await asSuperuser<{ count: number }>(servers, query))[0]?.count ?? 0;
}
