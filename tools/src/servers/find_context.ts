import type { ServerKind } from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import type { ServerPlaces } from './place.ts';

/** What every way to get a server may look at. */
export interface FindContext {
  readonly clone: Clone;
  /** The process environment completed by `.env`; no empty values. */
  readonly settings: Readonly<Record<string, string>>;
  /** Where the servers were at the last run. */
  readonly previous: ServerPlaces | undefined;
  readonly standardPorts: Readonly<Record<ServerKind, number>>;
}

/** Where a server listens unless somebody moved it. */
export const STANDARD_PORTS: Readonly<Record<ServerKind, number>> = { rabbitmq: 5672, postgres: 5432, redis: 6379 };
