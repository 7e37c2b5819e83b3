import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { authMigrations } from '@warren/auth';
import { ensureRolesAndDatabase, type MigrationSet, migrate } from '@warren/postgres';
import { freePort, hashRabbitPassword, importDefinitions, unwrapAdminResult } from '@warren/provision';
import { brokerDefinitions, brokerPrefixes } from '@warren/rabbit';
import {
  type PrivateServers,
  privateServers,
  readTestSettings,
  type TempDatabase,
  type TempVhost,
  tempDatabase,
  tempVhost,
} from '@warren/testing';

/** Is part of every wrong secret, so that a leak of one is found. */
export const PASSWORD = 'canary-of-the-table-5581';

/** Servers in which one thing is wrong, and addresses at which nothing good is found. */
export interface BrokenPlaces {
  /** Of auth-svc, in a vhost without exchanges. */
  readonly noExchanges: string;
  /** Of auth-svc, in a vhost whose queue `auth.rpc` has other arguments. */
  readonly driftedQueue: string;
  /** Of auth-svc, in a vhost where it may not declare anything. */
  readonly noRights: string;
  /** Of auth-svc, in databases whose schema was never made, lacks a step, or has one more. */
  readonly unmigrated: string;
  readonly older: string;
  readonly newer: string;
  /** Of servers that ask for a password; with the right one. */
  readonly lockedPostgres: string;
  readonly lockedRedis: string;
  /** Nobody listens there. */
  readonly closedPort: number;
  /** Somebody listens, takes connections and never says a word. */
  readonly silentPort: number;
  readonly destroy: () => Promise<void>;
}

export async function breakPlaces(): Promise<BrokenPlaces> {
  const [vhosts, databases, servers, silent, closedPort] = await Promise.all([
    brokenVhosts(),
    brokenDatabases(),
    lockedServers(),
    silentServer(),
    freePort(),
  ]);
  const { port } = silent.server.address() as AddressInfo;
  return {
    ...vhosts.urls,
    ...databases.urls,
    lockedPostgres: (await servers.postgres()).url,
    lockedRedis: (await servers.redis()).url,
    closedPort,
    silentPort: port,
    destroy: async () => {
      silent.close();
      await Promise.all([vhosts.drop(), databases.drop(), servers.destroy()]);
    },
  };
}

type Vhosts = Pick<BrokenPlaces, 'noExchanges' | 'driftedQueue' | 'noRights'>;

interface Made<Urls> {
  readonly urls: Urls;
  readonly drop: () => Promise<void>;
}

async function brokenVhosts(): Promise<Made<Vhosts>> {
  const [bare, drifted, shut] = await Promise.all([tempVhost(), tempVhost(), tempVhost()]);
  const bareSetUp = setUpOf(bare);
  const driftedSetUp = setUpOf(drifted);
  const shutSetUp = setUpOf(shut);
  const nothing = { configure: '^$', write: '^$', read: '.*' };
  const wrongQueue = { name: 'auth.rpc', vhost: drifted.name, durable: true, auto_delete: false, arguments: {} };
  const all = [bareSetUp, driftedSetUp, shutSetUp];
  // one call for all three: each takes about a second
  const definitions = {
    users: all.flatMap(({ users }) => users),
    permissions: [
      ...bareSetUp.permissions,
      ...driftedSetUp.permissions,
      ...shutSetUp.permissions.map((each) => ({ ...each, ...nothing })),
    ],
    topic_permissions: all.flatMap((each) => each.topic_permissions),
    exchanges: [...driftedSetUp.exchanges, ...shutSetUp.exchanges],
    queues: [...driftedSetUp.queues, ...shutSetUp.queues, wrongQueue],
    bindings: [...driftedSetUp.bindings, ...shutSetUp.bindings],
  };
  unwrapAdminResult(await importDefinitions(readTestSettings().brokerAdmin, definitions));
  const urlOf = (vhost: TempVhost): string => vhost.urlFor(`${vhost.userPrefix}auth`, PASSWORD);
  return {
    urls: { noExchanges: urlOf(bare), driftedQueue: urlOf(drifted), noRights: urlOf(shut) },
    drop: async () => void (await Promise.all([bare, drifted, shut].map((vhost) => vhost.drop()))),
  };
}

function setUpOf(vhost: TempVhost) {
  const hash = hashRabbitPassword(PASSWORD);
  const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, hash]));
  return brokerDefinitions({ vhost: vhost.name, userPrefix: vhost.userPrefix, passwords });
}

async function brokenDatabases(): Promise<Made<Pick<BrokenPlaces, 'unmigrated' | 'older' | 'newer'>>> {
  const steps = Object.entries(authMigrations.migrations);
  const withSteps = (migrations: MigrationSet['migrations']): MigrationSet => ({ ...authMigrations, migrations });
  const known = withSteps(Object.fromEntries(steps.slice(0, -1)));
  const future = withSteps({ ...authMigrations.migrations, '9999_future': { up: async () => undefined } });
  const [unmigrated, older, newer] = await Promise.all([databaseAt(undefined), databaseAt(known), databaseAt(future)]);
  return {
    urls: { unmigrated: unmigrated.url, older: older.url, newer: newer.url },
    drop: async () => void (await Promise.all([unmigrated, older, newer].map(({ database }) => database.drop()))),
  };
}

async function databaseAt(
  set: MigrationSet | undefined,
): Promise<{ readonly database: TempDatabase; readonly url: string }> {
  const database = await tempDatabase();
  const { name, url } = database;
  const role = { name: `${name}_auth`, password: PASSWORD, schema: authMigrations.schema };
  const owner = { name: `${name}_owner`, password: PASSWORD };
  await ensureRolesAndDatabase(url, { database: name, owner, roles: [role] });
  if (set !== undefined) await migrate(urlAs(url, owner.name), set, { role: role.name });
  return { database, url: urlAs(url, role.name) };
}

function urlAs(base: string, user: string): string {
  const url = new URL(base);
  url.username = user;
  url.password = PASSWORD;
  return url.href;
}

/** The test servers let everybody in; these ask. */
async function lockedServers(): Promise<PrivateServers> {
  const servers = await privateServers();
  await Promise.all([servers.postgres(), servers.redis()]);
  return servers;
}

async function silentServer(): Promise<{ readonly server: Server; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { server, close };
}
