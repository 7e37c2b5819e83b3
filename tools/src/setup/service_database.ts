import { silentLogger } from '@warren/kernel';
import { Database } from '@warren/postgres';
import { Metrics } from '@warren/telemetry';

/** One connection with the rights of one service. Close it when done. */
export const serviceDatabase = (url: string, schema: string): Database =>
  new Database({ url, schema, service: 'tools', logger: silentLogger(), metrics: new Metrics('tools'), max: 1 });
