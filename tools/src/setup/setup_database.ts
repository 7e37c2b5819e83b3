import { type DatabasePlan, ensureRolesAndDatabase, migrate, sql, tables } from '@warren/postgres';
import { databasePasswordName } from '../env/secrets.ts';
import { databaseOf, type PostgresPlace } from '../servers/place.ts';
import { postgresUrl, withPostgres } from '../servers/postgres_query.ts';
import { databaseUrlOf, OWNER_ROLE, requireSetting } from '../servers/service_urls.ts';
import { ToolError } from '../tool_error.ts';
import type { ServiceSchema } from './schemas.ts';

type Settings = Readonly<Record<string, string>>;
type Schemas = readonly ServiceSchema[];

function planOf(place: PostgresPlace, settings: Settings, schemas: Schemas): DatabasePlan {
  const account = (name: string, variable: string) => ({
    name: place.rolePrefix + name,
    password: requireSetting(settings, databasePasswordName(variable)),
  });
  return {
    database: place.database,
    owner: account(OWNER_ROLE, 'owner'),
    roles: schemas.map(({ prefix, set }) => ({ ...account(prefix, prefix), schema: set.schema })),
  };
}

/** Whether the database is Warren's own as a whole, so that it may be dropped. */
const ownsDatabase = (place: PostgresPlace): boolean =>
  place.database === databaseOf(place.rolePrefix.replace(/_$/, ''));

/** Applies the missing migrations of every schema, as the owner; resolves to their names, each after its schema. */
export async function migrateAll(place: PostgresPlace, settings: Settings, schemas: Schemas): Promise<string[]> {
  const ownerUrl = databaseUrlOf(place, settings, 'owner');
  const applied = await Promise.all(
    schemas.map(async ({ prefix, set }) => {
      const role = place.singleRole ? decodeURIComponent(new URL(ownerUrl).username) : place.rolePrefix + prefix;
      const result = await migrate(ownerUrl, set, { role });
      return result.applied.map((name) => `${set.schema}.${name}`);
    }),
  );
  return applied.flat();
}

/** Roles, database, schemas and tables; resolves to what was changed. May be repeated at any time. */
export async function setupDatabase(place: PostgresPlace, settings: Settings, schemas: Schemas): Promise<string[]> {
  const changes: string[] = [];
  if (!place.singleRole) {
    const result = await ensureRolesAndDatabase(place.adminUrl, planOf(place, settings, schemas));
    if (result.kind === 'not_permitted') {
      throw new ToolError(`postgres: the given account may not set up database ${place.database}: ${result.reason}.`);
    }
    changes.push(...result.changes);
  }
  const applied = await migrateAll(place, settings, schemas);
  return [...changes, ...applied.map((name) => `migrated ${name}`)];
}

/** Removes what `setupDatabase` made: the database if it is Warren's own, otherwise the schemas in it; then the roles. */
export async function removeDatabase(place: PostgresPlace, settings: Settings, schemas: Schemas): Promise<void> {
  if (place.singleRole || !ownsDatabase(place)) {
    await withPostgres(databaseUrlOf(place, settings, 'owner'), async (tx) => {
      for (const { set } of schemas) await sql`drop schema if exists ${sql.id(set.schema)} cascade`.execute(tables(tx));
    });
  } else {
    await withPostgres(place.adminUrl, (tx) =>
      sql`drop database if exists ${sql.id(place.database)} with (force)`.execute(tables(tx)),
    );
  }
  if (!place.singleRole) await removeRoles(place, planOf(place, settings, schemas));
}

async function removeRoles(place: PostgresPlace, plan: DatabasePlan): Promise<void> {
  const names = [...plan.roles, plan.owner].map((role) => role.name);
  const { username } = new URL(place.adminUrl);
  // In a database that stays, the rights and objects of a role would keep it from going.
  const url = ownsDatabase(place) ? place.adminUrl : postgresUrl(place.adminUrl, place.database);
  await withPostgres(url, async (tx) => {
    const found = await sql<{ name: string; member: boolean }>`
      select rolname as name, pg_has_role(current_user, oid, 'member') as member
      from pg_roles where rolname = any(${names})`.execute(tables(tx));
    for (const { name, member } of found.rows) {
      // an administrator who is no superuser may take away only from roles that it belongs to
      if (!member) await sql`grant ${sql.id(name)} to current_user`.execute(tables(tx));
      if (!ownsDatabase(place)) {
        await sql`reassign owned by ${sql.id(name)} to ${sql.id(decodeURIComponent(username))}`.execute(tables(tx));
      }
      await sql`drop owned by ${sql.id(name)}`.execute(tables(tx));
      await sql`drop role ${sql.id(name)}`.execute(tables(tx));
    }
  });
}
