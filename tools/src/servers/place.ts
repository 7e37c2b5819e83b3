import { BrokerAdmin, type ServerKind } from '@warren/provision';
import { z } from 'zod';

/** The ways to get a server, in the order in which they are tried. */
export const ORIGINS = ['url', 'local', 'docker', 'private'] as const;
export type Origin = (typeof ORIGINS)[number];

const Common = { origin: z.enum(ORIGINS) };

/** A RabbitMQ and Warren's part of it. */
export const RabbitPlace = z.object({
  ...Common,
  kind: z.literal('rabbitmq'),
  /** Where it is; in single-user mode with that user and its vhost, otherwise without credentials. */
  url: z.string(),
  vhost: z.string(),
  /** Stands before the name of every broker user of this clone. */
  userPrefix: z.string(),
  /** Undefined: one given user serves every service, and nothing can be set up. Development only. */
  admin: BrokerAdmin.optional(),
});
export type RabbitPlace = z.infer<typeof RabbitPlace>;

/** A Postgres and Warren's database in it. */
export const PostgresPlace = z.object({
  ...Common,
  kind: z.literal('postgres'),
  /** With the rights to create databases and roles; in single-role mode the role of every service. */
  adminUrl: z.string(),
  database: z.string(),
  /** Stands before the name of every role of this clone. */
  rolePrefix: z.string(),
  /** The given role may not create roles: it owns the schemas and serves every service. Development only. */
  singleRole: z.boolean(),
});
export type PostgresPlace = z.infer<typeof PostgresPlace>;

/** A Redis and Warren's part of its keys. */
export const RedisPlace = z.object({
  ...Common,
  kind: z.literal('redis'),
  url: z.string(),
  keyPrefix: z.string(),
});
export type RedisPlace = z.infer<typeof RedisPlace>;

export const ServerPlaces = z.object({ rabbitmq: RabbitPlace, postgres: PostgresPlace, redis: RedisPlace });
export type ServerPlaces = z.infer<typeof ServerPlaces>;

export type PlaceOf<K extends ServerKind> = ServerPlaces[K];

/** What one way to get a server came to. A reason is the middle of a sentence. */
export type Attempt<P> = { readonly use: P; readonly reason: string } | { readonly next: string };

/** The last two ways of every server. */
export type LateWays = { readonly [K in ServerKind]: () => Promise<Attempt<PlaceOf<K>>> };

/** Names of Warren's things on servers that others may use as well. */
export const vhostOf = (cloneId: string): string => `warren-${cloneId}`;
export const databaseOf = (cloneId: string): string => `warren_${cloneId}`;
export const keyPrefixOf = (cloneId: string): string => `warren-${cloneId}:`;

/** `host:port` of a URL, for people: without user and password. */
export function hostPortOf(url: string): string {
  return new URL(url).host;
}
