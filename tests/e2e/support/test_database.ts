import { silentLogger } from '@warren/kernel';
import { Database } from '@warren/postgres';
import { Metrics } from '@warren/telemetry';

/** A test waits as long as a busy machine needs; how fast a service gives up is tested where that matters. */
const TIMEOUTS = { connectMs: 20_000, statementMs: 30_000, lockMs: 30_000, queryMs: 35_000 };
/** As the server lists the sessions of tests: `warren.tests`. */
export const TEST_SERVICE = 'tests';

/** One connection to a schema, for tests that look into it past its service. Close it when done. */
export function testDatabase(url: string, schema: string): Database {
  const shared = { logger: silentLogger(), metrics: new Metrics(TEST_SERVICE) };
  return new Database({ ...shared, url, schema, service: TEST_SERVICE, max: 1, timeouts: TIMEOUTS });
}
