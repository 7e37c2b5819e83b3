import fs from 'node:fs';
import path from 'node:path';
import { createServerKey, ensureServerKey } from '@warren/auth';
import { digest } from '@warren/kernel';
import { type Database, schemaVersion } from '@warren/postgres';
import { brokerDefinitions, brokerPrefixes, SERVICES } from '@warren/rabbit';
import { type Clone, writePrivateFile } from '../clone/clone.ts';
import { secretMakers } from '../env/secrets.ts';
import { inSeconds, say, withProgress } from '../output.ts';
import { ServerPlaces } from '../servers/place.ts';
import { rabbitLoginFailure } from '../servers/rabbit_login.ts';
import { brokerUrlOf, databaseUrlOf, requireSetting } from '../servers/service_urls.ts';
import { SCHEMAS, type ServiceSchema } from './schemas.ts';
import { serviceDatabase } from './service_database.ts';
import { setupBroker } from './setup_broker.ts';
import { setupDatabase } from './setup_database.ts';

type Settings = Readonly<Record<string, string>>;

const FLEET_NAME = 'example-game-server';
const stampFile = (clone: Clone): string => path.join(clone.stateDir, 'setup.stamp');

/** Everything the set-up depends on; of the secrets only this digest is kept. */
function stampOf(places: ServerPlaces, settings: Settings): string {
  const secrets = [...secretMakers().keys()].map((name) => `${name}=${settings[name] ?? ''}`);
  const { vhost, userPrefix } = places.rabbitmq;
  const topology = brokerDefinitions({
    vhost,
    userPrefix,
    passwords: Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'any'])),
  });
  const migrations = SCHEMAS.map(({ set }) => [set.schema, Object.keys(set.migrations).sort()]);
  // Parsed, because the order of the fields differs between what was chosen and what was read back.
  const where = ServerPlaces.parse(places);
  return digest(JSON.stringify(where), JSON.stringify(secrets), JSON.stringify(topology), JSON.stringify(migrations));
}

/** Runs `work` with the rights of one service. */
async function withServiceDatabase<T>(
  url: string,
  schema: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const database = serviceDatabase(url, schema);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function isCurrent({ prefix, set }: ServiceSchema, places: ServerPlaces, settings: Settings): Promise<boolean> {
  try {
    const url = databaseUrlOf(places.postgres, settings, prefix);
    return (await withServiceDatabase(url, set.schema, (database) => schemaVersion(database, set))) === 'current';
  } catch {
    return false;
  }
}

/** Whether what was set up last time is still there: a server may have been emptied since. */
async function stillThere(places: ServerPlaces, settings: Settings): Promise<boolean> {
  const logins = SERVICES.map(
    async ({ prefix }) => (await rabbitLoginFailure(brokerUrlOf(places.rabbitmq, settings, prefix))) === undefined,
  );
  const schemas = SCHEMAS.map((schema) => isCurrent(schema, places, settings));
  return (await Promise.all([...logins, ...schemas])).every(Boolean);
}

function readStamp(clone: Clone): string | undefined {
  try {
    return fs.readFileSync(stampFile(clone), 'utf8');
  } catch {
    return undefined;
  }
}

/** Adds the fleet key of `.env`, with which the example game server comes. Does nothing when it is there. */
async function ensureFleetKey(places: ServerPlaces, settings: Settings): Promise<void> {
  const url = databaseUrlOf(places.postgres, settings, 'auth');
  await withServiceDatabase(url, 'auth', (database) =>
    ensureServerKey(database, FLEET_NAME, requireSetting(settings, 'WARREN_SERVER_KEY')),
  );
}

/** Makes a new fleet key and returns it, this once. */
export function newFleetKey(places: ServerPlaces, settings: Settings, name: string): Promise<string> {
  const url = databaseUrlOf(places.postgres, settings, 'auth');
  return withServiceDatabase(url, 'auth', (database) => createServerKey(database, name));
}

/**
 * Broker, database and the example's fleet key, when something of them seems to be missing; always with `force`. Prints one
 * line.
 */
export async function runSetup(clone: Clone, places: ServerPlaces, settings: Settings, force = false): Promise<void> {
  const begin = performance.now();
  const stamp = stampOf(places, settings);
  if (!force && readStamp(clone) === stamp && (await stillThere(places, settings))) {
    say(`setup: nothing to do (${inSeconds(performance.now() - begin)})`);
    return;
  }
  const changes = await withProgress('setup', async () => {
    const [, changed] = await Promise.all([
      setupBroker(places.rabbitmq, settings),
      setupDatabase(places.postgres, settings, SCHEMAS),
    ]);
    await ensureFleetKey(places, settings);
    return changed;
  });
  writePrivateFile(stampFile(clone), stamp);
  const migrated = changes.filter((change) => change.startsWith('migrated')).length;
  say(
    `setup: vhost ${places.rabbitmq.vhost}, database ${places.postgres.database}, ${migrated} migrations (${inSeconds(performance.now() - begin)})`,
  );
}
