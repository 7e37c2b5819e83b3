import type { BrokerAdmin } from '@warren/provision';
import {
  readTestSettings,
  type TempDatabase,
  type TempRedis,
  type TempVhost,
  tempDatabase,
  tempRedis,
  tempVhost,
} from '@warren/testing';

/** Servers that one system has to itself; each that is left out is shared with other tests. */
export interface OwnServers {
  readonly broker?: { readonly url: string; readonly admin: BrokerAdmin };
  /** URL of a Postgres, with an account that may do everything. */
  readonly postgres?: string;
  /** URL of a Redis. */
  readonly redis?: string;
}

/** Where one system lives: its vhost, its database, its part of the keys, and who may administer the broker. */
export interface SystemPlace {
  readonly vhost: Pick<TempVhost, 'name' | 'userPrefix' | 'urlFor' | 'drop'>;
  /** `adminUrl` leads to a database that exists before the system's own. */
  readonly database: Omit<TempDatabase, 'user'> & { readonly adminUrl: string };
  readonly redis: TempRedis;
  readonly brokerAdmin: BrokerAdmin;
}

const NAME = 'warren';
const nothing = async (): Promise<void> => undefined;

export async function makePlace({ broker, postgres, redis }: OwnServers): Promise<SystemPlace> {
  const [vhost, database, keys] = await Promise.all([
    broker === undefined ? tempVhost() : ownVhost(broker.url),
    postgres === undefined ? sharedDatabase() : ownDatabase(postgres),
    redis === undefined ? tempRedis() : { url: redis, keyPrefix: `${NAME}:`, drop: nothing },
  ]);
  return { vhost, database, redis: keys, brokerAdmin: broker?.admin ?? readTestSettings().brokerAdmin };
}

/** The vhost of a broker that the system has to itself. */
function ownVhost(brokerUrl: string): SystemPlace['vhost'] {
  const urlFor = (user: string, password: string): string => {
    const url = new URL(brokerUrl);
    url.username = user;
    url.password = password;
    url.pathname = `/${NAME}`;
    return url.href;
  };
  return { name: NAME, userPrefix: '', urlFor, drop: nothing };
}

async function sharedDatabase(): Promise<SystemPlace['database']> {
  const database = await tempDatabase();
  return { ...database, adminUrl: database.url };
}

function ownDatabase(adminUrl: string): SystemPlace['database'] {
  const url = new URL(adminUrl);
  url.pathname = `/${NAME}`;
  return { name: NAME, url: url.href, adminUrl, drop: nothing };
}
