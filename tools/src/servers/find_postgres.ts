import os from 'node:os';
import { probePort } from '@warren/provision';
import { sentenceOf, ToolError } from '../tool_error.ts';
import type { FindContext } from './find_context.ts';
import { type Attempt, databaseOf, type PostgresPlace } from './place.ts';
import { adminRoleByPeer } from './postgres_peer.ts';
import { postgresRights } from './postgres_query.ts';

const STANDARD_DATABASES = new Set(['postgres', 'template1']);

/** Step 1: DATABASE_URL. With the right to create roles each service gets its own; without, the given role serves everything. */
export async function postgresFromUrl(context: FindContext): Promise<Attempt<PostgresPlace>> {
  const given = context.settings['DATABASE_URL'];
  if (given === undefined) return { next: 'DATABASE_URL is not set' };
  const url = parseUrl(given);
  // libpq's default: the database that is called like the user.
  if (url.pathname.length < 2) url.pathname = `/${url.username === '' ? 'postgres' : url.username}`;
  const rights = await rightsOfGiven(url);
  const named = decodeURIComponent(url.pathname.slice(1));
  const isStandard = STANDARD_DATABASES.has(named);
  const place = { kind: 'postgres', origin: 'url', adminUrl: url.href, rolePrefix: `${context.clone.id}_` } as const;
  if (rights.createRoles && (rights.createDatabases || !isStandard)) {
    const database = isStandard ? databaseOf(context.clone.id) : named;
    return {
      use: { ...place, database, singleRole: false },
      reason: `DATABASE_URL is set: ${url.host}, database ${database}`,
    };
  }
  const warning = 'WARNING: one role for every service, for development only, because it may not create roles';
  return {
    use: { ...place, database: named, singleRole: true },
    reason: `DATABASE_URL is set: ${url.host}, database ${named}; ${warning}`,
  };
}

async function rightsOfGiven(url: URL): ReturnType<typeof postgresRights> {
  try {
    return await postgresRights(url.href);
  } catch (error) {
    const why = sentenceOf(error).replace(/\.$/, '');
    throw new ToolError(`postgres: DATABASE_URL is set, but ${url.host} cannot be used: ${why}. Mend it or remove it.`);
  }
}

function parseUrl(given: string): URL {
  try {
    const url = new URL(given);
    if (url.protocol === 'postgres:' || url.protocol === 'postgresql:') return url;
  } catch {
    // said below
  }
  throw new ToolError(
    'postgres: DATABASE_URL is set, but is no URL of the form postgres://user:password@host:5432/database.',
  );
}

/** Step 2: the server on 5432, in a database of our own, when some account that we have may create databases and roles in it. */
export async function postgresFromLocal(context: FindContext): Promise<Attempt<PostgresPlace>> {
  const port = context.standardPorts.postgres;
  if (!(await probePort('127.0.0.1', port))) return { next: `nothing listens on port ${port}` };
  const adminUrl = await localAdminUrl(context, port);
  if (typeof adminUrl !== 'string') return { next: `the server on port ${port} is not used: ${adminUrl.reason}` };
  const database = databaseOf(context.clone.id);
  const place = {
    kind: 'postgres',
    origin: 'local',
    adminUrl,
    database,
    rolePrefix: `${context.clone.id}_`,
    singleRole: false,
  } as const;
  return { use: place, reason: `a Postgres runs on port ${port}; database ${database} in it` };
}

async function localAdminUrl(context: FindContext, port: number): Promise<string | { reason: string }> {
  const known = context.previous?.postgres;
  const candidates = known?.origin === 'local' ? [known.adminUrl] : [];
  for (const user of new Set(['postgres', os.userInfo().username])) {
    candidates.push(`postgres://${encodeURIComponent(user)}@127.0.0.1:${port}/postgres`);
  }
  for (const url of candidates) if (await mayAdminister(url)) return url;
  return adminRoleByPeer({ port, role: `${context.clone.id}_admin` });
}

async function mayAdminister(url: string): Promise<boolean> {
  try {
    const rights = await postgresRights(url);
    return rights.createDatabases && rights.createRoles;
  } catch {
    return false;
  }
}
