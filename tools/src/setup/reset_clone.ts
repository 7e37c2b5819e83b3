import fs from 'node:fs';
import path from 'node:path';
import type { ServerKind } from '@warren/provision';
import type { Clone } from '../clone/clone.ts';
import { removeRuntimeEnv } from '../env/runtime_env.ts';
import { say, withProgress } from '../output.ts';
import { composeDown } from '../servers/docker.ts';
import { ORIGINS, type ServerPlaces } from '../servers/place.ts';
import { runningPrivateServers, stopPrivateServers } from '../servers/private_servers.ts';
import { removeKeys } from '../servers/redis_session.ts';
import { readPlaces } from '../servers/server_state.ts';
import { sentenceOf, ToolError } from '../tool_error.ts';
import { SCHEMAS } from './schemas.ts';
import { ownsVhost, removeBroker } from './setup_broker.ts';
import { removeDatabase } from './setup_database.ts';

type Settings = Readonly<Record<string, string>>;

interface Removal {
  readonly kind: ServerKind;
  readonly what: string;
  readonly remove: () => Promise<unknown>;
}

/** What this clone has on servers that live on without it. */
function removals(places: ServerPlaces, settings: Settings): Removal[] {
  const { rabbitmq, postgres, redis } = places;
  return [
    {
      kind: 'rabbitmq',
      what: ownsVhost(rabbitmq)
        ? `vhost ${rabbitmq.vhost} and its users`
        : `users in vhost ${rabbitmq.vhost} (its queues stay: the vhost was given)`,
      remove: () => removeBroker(rabbitmq),
    },
    {
      kind: 'postgres',
      what: `database ${postgres.database} and its roles`,
      remove: () => removeDatabase(postgres, settings, SCHEMAS),
    },
    { kind: 'redis', what: `keys ${redis.keyPrefix}*`, remove: () => removeKeys(redis) },
  ];
}

async function removeFromServers(places: ServerPlaces, settings: Settings): Promise<string[]> {
  const shared = removals(places, settings).filter(({ kind }) => isShared(places, kind) && !isGivenUser(places, kind));
  const results = await Promise.allSettled(shared.map(({ remove }) => remove()));
  return results.flatMap((result, index) => {
    const what = shared[index]?.what ?? '';
    if (result.status === 'fulfilled') say(`removed ${what}`);
    return result.status === 'fulfilled' ? [] : [`${what}: ${sentenceOf(result.reason)}`];
  });
}

/** In single-user mode nothing on the broker is Warren's own. */
const isGivenUser = (places: ServerPlaces, kind: ServerKind): boolean =>
  kind === 'rabbitmq' && places.rabbitmq.admin === undefined;

const isShared = (places: ServerPlaces, kind: ServerKind): boolean =>
  ORIGINS.indexOf(places[kind].origin) < ORIGINS.indexOf('docker');

/**
 * Removes this clone's own data from every server, its private servers and its state. `.env` and the installed packages stay.
 * @throws ToolError that names what could not be removed
 */
export async function resetClone(clone: Clone, settings: Settings): Promise<void> {
  const places = readPlaces(clone);
  const failures = places === undefined ? [] : await removeFromServers(places, settings);
  if (places !== undefined && Object.values(places).some((place) => place.origin === 'docker'))
    await composeDown(clone, true);
  const destroyed = await withProgress('removing private servers', async () =>
    stopPrivateServers(await runningPrivateServers(clone), { destroy: true }),
  );
  if (destroyed.length > 0) say(`removed private servers: ${destroyed.join(', ')}`);
  removeRemains(clone);
  if (failures.length > 0) throw new ToolError(`Not everything could be removed: ${failures.join('; ')}.`);
}

/** A stopped private server's data may be outside of the data folder, where its path was too long for it. */
function removeRemains(clone: Clone): void {
  for (const kind of fs.existsSync(clone.dataDir) ? fs.readdirSync(clone.dataDir) : []) {
    const home = recordedHome(path.join(clone.dataDir, kind, 'server.json'));
    if (home !== undefined && path.basename(home).startsWith('warren-'))
      fs.rmSync(home, { recursive: true, force: true });
  }
  for (const folder of [clone.dataDir, clone.logDir]) fs.rmSync(folder, { recursive: true, force: true });
  removeRuntimeEnv(clone);
  for (const name of ['servers.json', 'setup.stamp', 'test_password'])
    fs.rmSync(path.join(clone.stateDir, name), { force: true });
}

function recordedHome(file: string): string | undefined {
  try {
    const state: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    const home: unknown = typeof state === 'object' && state !== null && 'home' in state ? state.home : undefined;
    return typeof home === 'string' ? home : undefined;
  } catch {
    return undefined;
  }
}
