import { SERVICES, SETUP_USERS } from '@warren/rabbit';
import { brokerPasswordName, databasePasswordName } from '../env/secrets.ts';
import { SCHEMAS } from '../setup/schemas.ts';
import { ToolError } from '../tool_error.ts';
import type { PostgresPlace, RabbitPlace, ServerPlaces } from './place.ts';
import { postgresUrl } from './postgres_query.ts';
import { rabbitUrl } from './rabbit_login.ts';

type Settings = Readonly<Record<string, string>>;

/** Role that owns the schemas, after the role prefix. */
export const OWNER_ROLE = 'warren_owner';

/** A secret that must be there. */
export function requireSetting(settings: Settings, name: string): string {
  const value = settings[name];
  if (value === undefined) throw new ToolError(`${name} is not set: run \`npm run env\`.`);
  return value;
}

/** The broker URL of one service or set-up user. */
export function brokerUrlOf(place: RabbitPlace, settings: Settings, prefix: string): string {
  if (place.admin === undefined) return place.url;
  const password = requireSetting(settings, brokerPasswordName(prefix));
  return rabbitUrl(place.url, place.vhost, { user: place.userPrefix + prefix, password });
}

/** The database URL of one service, or of the owner. */
export function databaseUrlOf(place: PostgresPlace, settings: Settings, prefix: string): string {
  if (place.singleRole) return postgresUrl(place.adminUrl, place.database);
  const role = place.rolePrefix + (prefix === 'owner' ? OWNER_ROLE : prefix);
  return postgresUrl(place.adminUrl, place.database, {
    role,
    password: requireSetting(settings, databasePasswordName(prefix)),
  });
}

/** What one service needs to reach its servers, as environment variables. A service without a schema has no database role. */
export function serviceUrls(places: ServerPlaces, settings: Settings, prefix: string): Record<string, string> {
  const upper = prefix.toUpperCase();
  const database = SCHEMAS.some((schema) => schema.prefix === prefix)
    ? { [`${upper}_DATABASE_URL`]: databaseUrlOf(places.postgres, settings, prefix) }
    : {};
  return {
    [`${upper}_RABBITMQ_URL`]: brokerUrlOf(places.rabbitmq, settings, prefix),
    ...database,
    REDIS_URL: places.redis.url,
    REDIS_KEY_PREFIX: places.redis.keyPrefix,
  };
}

/** The same for all services and the operator's tools: the content of runtime.env. */
export function allUrls(places: ServerPlaces, settings: Settings): Record<string, string> {
  const urls = new Map(SERVICES.flatMap((service) => Object.entries(serviceUrls(places, settings, service.prefix))));
  for (const prefix of SETUP_USERS)
    urls.set(`${prefix.toUpperCase()}_RABBITMQ_URL`, brokerUrlOf(places.rabbitmq, settings, prefix));
  urls.set('OWNER_DATABASE_URL', databaseUrlOf(places.postgres, settings, 'owner'));
  return Object.fromEntries(urls);
}
