import type { Clone } from '../clone/clone.ts';
import { settingsOf } from '../env/secrets.ts';
import { type ServerPlaces, vhostOf } from '../servers/place.ts';
import { readPlaces } from '../servers/server_state.ts';
import { ToolError } from '../tool_error.ts';

type Settings = Readonly<Record<string, string>>;

const DEFAULT_NAME = 'warren';

/**
 * Where the operator's commands work: in a deployment the servers that the environment names (RABBITMQ_ADMIN_URL, RABBITMQ_SERVER_URL,
 * DATABASE_ADMIN_URL, REDIS_URL), otherwise those that `npm start` or `npm test` of this clone chose last.
 */
export function operatorPlaces(clone: Clone): { places: ServerPlaces; settings: Settings } {
  const settings = settingsOf(clone, process.env);
  const places =
    settings['RABBITMQ_ADMIN_URL'] !== undefined && settings['DATABASE_ADMIN_URL'] !== undefined
      ? deployed(settings)
      : readPlaces(clone);
  if (places !== undefined) return { places, settings };
  throw new ToolError(
    `No servers are known: run \`npm start\` first (it sets up ${vhostOf(clone.id)}), or set RABBITMQ_ADMIN_URL and DATABASE_ADMIN_URL.`,
  );
}

/** A deployment has its servers to itself: plain names without a clone in them, unless the environment says otherwise. */
function deployed(settings: Settings): ServerPlaces {
  const admin = requireUrl(settings, 'RABBITMQ_ADMIN_URL');
  const database = requireUrl(settings, 'DATABASE_ADMIN_URL');
  if (database.pathname.length < 2) database.pathname = '/postgres';
  return {
    rabbitmq: {
      kind: 'rabbitmq',
      origin: 'url',
      url: settings['RABBITMQ_SERVER_URL'] ?? `amqp://${admin.hostname}:5672`,
      vhost: settings['RABBITMQ_VHOST'] ?? DEFAULT_NAME,
      userPrefix: settings['RABBITMQ_USER_PREFIX'] ?? '',
      admin: { kind: 'http', url: admin.href },
    },
    postgres: {
      kind: 'postgres',
      origin: 'url',
      adminUrl: database.href,
      database: settings['DATABASE_NAME'] ?? DEFAULT_NAME,
      rolePrefix: settings['DATABASE_ROLE_PREFIX'] ?? '',
      singleRole: false,
    },
    redis: {
      kind: 'redis',
      origin: 'url',
      url: settings['REDIS_URL'] ?? '',
      keyPrefix: settings['REDIS_KEY_PREFIX'] ?? 'warren:',
    },
  };
}

function requireUrl(settings: Settings, name: string): URL {
  const value = settings[name];
  if (value !== undefined && URL.canParse(value)) return new URL(value);
  throw new ToolError(`${name} is set, but is no URL.`);
}
