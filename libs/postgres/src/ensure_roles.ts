import { AppError } from '@warren/kernel';
import pg from 'pg';
import { checkSchemaName, clientConfig, type DatabaseTimeouts, parseDatabaseUrl } from './connection_settings.ts';
import { toDatabaseError } from './database_error.ts';
import { scramVerifier } from './scram_verifier.ts';

interface OwnerAccount {
  readonly name: string;
  /** Printable ASCII. */
  readonly password: string;
}

interface RoleAccount extends OwnerAccount {
  /** The schema of the role's service: its search path in this database. */
  readonly schema: string;
}

export interface DatabasePlan {
  readonly database: string;
  /** Owns the database and runs the migrations. */
  readonly owner: OwnerAccount;
  readonly roles: readonly RoleAccount[];
}

/** `changes` says in words what was made or altered; empty when everything was there. */
export type EnsureResult =
  | { readonly kind: 'ready'; readonly changes: readonly string[] }
  | { readonly kind: 'not_permitted'; readonly reason: string };

const TIMEOUTS: DatabaseTimeouts = {
  connectMs: 5_000,
  statementMs: 30_000,
  lockMs: 20_000,
  queryMs: 35_000,
  idleInTransactionMs: 30_000,
};
const PERMISSION_DENIED = '42501';
const WRONG_PASSWORD = '28P01';
const MAINTENANCE_LOCK = 'warren.set_up';

const id = pg.escapeIdentifier;
const stateOf = (error: unknown): string | undefined => (error instanceof pg.DatabaseError ? error.code : undefined);

function urlFor(adminUrl: string, database: string, account?: OwnerAccount): string {
  const url = parseDatabaseUrl(adminUrl);
  url.pathname = `/${encodeURIComponent(database)}`;
  if (account === undefined) return url.href;
  url.username = encodeURIComponent(account.name);
  url.password = encodeURIComponent(account.password);
  return url.href;
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(clientConfig({ url, applicationName: 'warren.set_up', timeouts: TIMEOUTS }));
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Makes what is missing of a database, its owner and the roles of the services: roles can log in and nothing more,
 * nobody else may connect. May be repeated; a password is altered only when a login with it fails. `not_permitted` when
 * the administrator lacks a right. Throws SERVICE_UNAVAILABLE, DATABASE_ACCESS_REFUSED (of the administrator),
 * DATABASE_CONFIG_INVALID or DATABASE_ROLE_UNSAFE.
 */
export async function ensureRolesAndDatabase(adminUrl: string, plan: DatabasePlan): Promise<EnsureResult> {
  const changes: string[] = [];
  for (const role of plan.roles) checkSchemaName(role.schema);
  try {
    await withClient(adminUrl, async (admin) => {
      // Two set-ups at once would both find a role missing.
      await admin.query('select pg_advisory_lock(hashtextextended($1, 0))', [MAINTENANCE_LOCK]);
      for (const account of [plan.owner, ...plan.roles]) await ensureRole(admin, account, changes);
      await ensureDatabase(admin, plan, changes);
      for (const account of [plan.owner, ...plan.roles])
        await ensurePassword(admin, urlFor(adminUrl, plan.database, account), account, changes);
    });
    await withClient(urlFor(adminUrl, plan.database), closePublicSchema);
    return { kind: 'ready', changes };
  } catch (error) {
    if (stateOf(error) === PERMISSION_DENIED)
      return { kind: 'not_permitted', reason: error instanceof Error ? error.message : 'permission denied' };
    throw toDatabaseError(error);
  }
}

async function ensureRole(admin: pg.Client, account: OwnerAccount, changes: string[]): Promise<void> {
  const { rows } = await admin.query<{ powerful: boolean; rolcanlogin: boolean }>(
    `select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls as powerful, rolcanlogin
      from pg_roles where rolname = $1`,
    [account.name],
  );
  const [found] = rows;
  if (found === undefined) {
    const verifier = pg.escapeLiteral(await scramVerifier(account.password));
    await admin.query(
      `create role ${id(account.name)} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password ${verifier}`,
    );
    changes.push(`created role ${account.name}`);
    return;
  }
  // the administrator's own role among them, whose password would be changed
  if (found.powerful) {
    throw new AppError(
      'DATABASE_ROLE_UNSAFE',
      `Role ${account.name} may do more in the server than a service should. Choose another name.`,
      { kind: 'conflict' },
    );
  }
  if (found.rolcanlogin) return;
  await admin.query(`alter role ${id(account.name)} login`);
  changes.push(`let role ${account.name} log in`);
}

async function ensureDatabase(admin: pg.Client, plan: DatabasePlan, changes: string[]): Promise<void> {
  const { database, owner } = plan;
  const { rows } = await admin.query<{ owner: string }>(
    'select pg_get_userbyid(datdba) as owner from pg_database where datname = $1',
    [database],
  );
  const [found] = rows;
  if (found?.owner !== owner.name) await joinOwner(admin, owner.name);
  if (found === undefined) {
    await admin.query(`create database ${id(database)} owner ${id(owner.name)} encoding 'UTF8' template template0`);
    changes.push(`created database ${database}`);
  } else if (found.owner !== owner.name) {
    await admin.query(`alter database ${id(database)} owner to ${id(owner.name)}`);
    changes.push(`gave database ${database} to ${owner.name}`);
  }
  await restrictDatabase(admin, plan);
}

/** Only a member of a role may give something to it, unless a superuser. */
async function joinOwner(admin: pg.Client, owner: string): Promise<void> {
  const { rows } = await admin.query<{ member: boolean }>(`select pg_has_role(current_user, $1, 'member') as member`, [
    owner,
  ]);
  if (rows[0]?.member !== true) await admin.query(`grant ${id(owner)} to current_user`);
}

async function restrictDatabase(admin: pg.Client, { database, roles }: DatabasePlan): Promise<void> {
  await admin.query(`revoke connect, temporary, create on database ${id(database)} from public`);
  for (const role of roles) {
    await admin.query(`revoke create, temporary on database ${id(database)} from ${id(role.name)}`);
    await admin.query(`grant connect on database ${id(database)} to ${id(role.name)}`);
    await admin.query(`alter role ${id(role.name)} in database ${id(database)} set search_path = ${id(role.schema)}`);
  }
}

/** Before Postgres 15 everybody may make tables in the schema `public`. */
async function closePublicSchema(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query(
    `select 1 from pg_namespace where nspname = 'public' and has_schema_privilege('public', oid, 'create')`,
  );
  if (rows.length > 0) await admin.query('revoke create on schema public from public');
}

async function ensurePassword(admin: pg.Client, url: string, account: OwnerAccount, changes: string[]): Promise<void> {
  try {
    await withClient(url, (client) => client.query('select 1'));
  } catch (error) {
    if (stateOf(error) !== WRONG_PASSWORD) throw error;
    await admin.query(
      `alter role ${id(account.name)} password ${pg.escapeLiteral(await scramVerifier(account.password))}`,
    );
    changes.push(`changed the password of role ${account.name}`);
  }
}
