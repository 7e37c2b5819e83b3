import { randomBytes } from 'node:crypto';
import { silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { readTestSettings, type TempDatabase, tempDatabase } from '@warren/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Database, ensureRolesAndDatabase, type MigrationSet, migrate, schemaVersion, sql, tables } from './index.ts';

const ITEMS: MigrationSet = {
  schema: 'auth',
  migrations: {
    '0001_items': {
      up: async (db) => void (await sql`create table items (id serial primary key, name text not null)`.execute(db)),
    },
    '0002_notes': {
      up: async (db) => void (await sql`create table notes (id bigserial primary key, text text)`.execute(db)),
    },
  },
};
const OTHER: MigrationSet = {
  schema: 'allocation',
  migrations: { '0001_secrets': { up: async (db) => void (await sql`create table secrets (text text)`.execute(db)) } },
};

let place: TempDatabase;
let plan: Parameters<typeof ensureRolesAndDatabase>[1];
const open: Database[] = [];

const STRANGER_PASSWORD = 'not-of-this-house';

/** The URL of one of the plan's roles, or of a stranger. */
const urlOf = (name: string): string => {
  const url = new URL(place.url);
  const known = [plan.owner, ...plan.roles].find((role) => role.name === name);
  url.username = name;
  url.password = known?.password ?? STRANGER_PASSWORD;
  return url.href;
};
const names = () => ({ owner: `${place.name}_owner`, auth: `${place.name}_auth`, allocator: `${place.name}_alloc` });

const database = (role: string, schema: string): Database => databaseAt(urlOf(role), schema);

function databaseAt(url: string, schema: string): Database {
  const db = new Database({ url, schema, logger: silentLogger(), metrics: new Metrics('test') });
  open.push(db);
  return db;
}

const run = (db: Database, text: string) => sql.raw(text).execute(tables(db.read));

beforeAll(async () => {
  place = await tempDatabase();
  const secret = () => randomBytes(16).toString('base64url');
  const { owner, auth, allocator } = names();
  plan = {
    database: place.name,
    owner: { name: owner, password: secret() },
    roles: [
      { name: auth, password: secret(), schema: 'auth' },
      { name: allocator, password: secret(), schema: 'allocation' },
    ],
  };
  expect(await ensureRolesAndDatabase(readTestSettings().databaseUrl, plan)).toMatchObject({ kind: 'ready' });
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((db) => db.close()));
});

afterAll(() => place.drop());

describe('ensureRolesAndDatabase', () => {
  test('changes nothing the second time', async () => {
    expect(await ensureRolesAndDatabase(readTestSettings().databaseUrl, plan)).toEqual({ kind: 'ready', changes: [] });
  });

  test('makes roles that can log in and nothing more, and keeps everybody else out', async () => {
    const admin = databaseAt(place.url, 'public');
    const { rows } = await sql<{ rolname: string; flags: boolean }>`
      select rolname, (rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls or not rolcanlogin) as flags
      from pg_roles where starts_with(rolname, ${`${place.name}_`}) order by rolname`.execute(tables(admin.read));
    const { owner, auth, allocator } = names();
    expect(rows).toEqual([allocator, auth, owner].map((rolname) => ({ rolname, flags: false })));
    const stranger = `${place.name}_stranger`;
    await run(admin, `create role "${stranger}" login password '${STRANGER_PASSWORD}'`);
    await expect(database(stranger, 'public').ping()).rejects.toMatchObject({ code: 'DATABASE_ACCESS_REFUSED' });
  });

  test('says that an administrator without the right may not do it', async () => {
    const result = await ensureRolesAndDatabase(urlOf(names().auth), {
      ...plan,
      owner: { ...plan.owner, name: `${place.name}_new` },
    });
    expect(result.kind === 'not_permitted' ? result.reason : '').toContain('permission denied');
  });

  test('refuses to run a service as the administrator, and leaves its password alone', async () => {
    const unsafe = { ...plan, owner: { name: place.user, password: 'x' } };
    await expect(ensureRolesAndDatabase(readTestSettings().databaseUrl, unsafe)).rejects.toMatchObject({
      code: 'DATABASE_ROLE_UNSAFE',
    });
    await databaseAt(place.url, 'public').ping();
  });
});

describe('migrate', () => {
  test('applies the missing steps once, also when many ask at once, and tells the version to the role', async () => {
    const { owner, auth } = names();
    const before = database(auth, 'auth');
    expect(await schemaVersion(before, ITEMS)).toBe('behind');
    const runs = await Promise.all([1, 2, 3].map(() => migrate(urlOf(owner), ITEMS, { role: auth })));
    expect(runs.flatMap((result) => result.applied)).toEqual(['0001_items', '0002_notes']);
    expect(await schemaVersion(before, ITEMS)).toBe('current');
    const { '0001_items': first } = ITEMS.migrations;
    const older: MigrationSet = { schema: 'auth', migrations: first === undefined ? {} : { '0001_items': first } };
    expect(await schemaVersion(before, older)).toBe('ahead');
    await expect(migrate(urlOf(owner), older, { role: auth })).rejects.toMatchObject({ code: 'DATABASE_SCHEMA_AHEAD' });
  });

  test('keeps the steps before a failing one and nothing of the failing one', async () => {
    const { owner, auth } = names();
    const failing: MigrationSet = {
      schema: 'auth',
      migrations: {
        ...ITEMS.migrations,
        '0003_more': { up: async (db) => void (await sql`create table more (id int)`.execute(db)) },
        '0004_broken': {
          up: async (db) => {
            await sql`create table half (id int)`.execute(db);
            await sql`select 1 / 0`.execute(db);
          },
        },
      },
    };
    await expect(migrate(urlOf(owner), failing, { role: auth })).rejects.toThrow(/division by zero/);
    const db = database(auth, 'auth');
    expect(await schemaVersion(db, failing)).toBe('behind');
    const { rows } = await sql<{
      name: string;
    }>`select tablename as name from pg_tables where schemaname = 'auth' order by 1`.execute(tables(db.read));
    expect(rows.map((row) => row.name)).toEqual(['items', 'more', 'notes', 'schema_migrations']);
  });

  test('says that the role is missing', async () => {
    await expect(migrate(urlOf(names().owner), OTHER, { role: `${place.name}_nobody` })).rejects.toMatchObject({
      code: 'DATABASE_ROLE_MISSING',
    });
  });

  test('works for an owner that is its own service role', async () => {
    const { owner } = names();
    const alone: MigrationSet = { ...OTHER, schema: 'alone' };
    expect(await migrate(urlOf(owner), alone, { role: owner })).toEqual({ applied: ['0001_secrets'] });
    expect(await migrate(urlOf(owner), alone, { role: owner })).toEqual({ applied: [] });
  });
});

describe('the role of a service', () => {
  test('reads and writes the rows of its schema', async () => {
    const { auth } = names();
    const db = database(auth, 'auth');
    await run(db, `insert into items (name) values ('a')`);
    await run(db, `update items set name = 'b'`);
    await run(db, 'insert into notes (text) values (null)');
    expect((await run(db, 'select name from items')).rows).toEqual([{ name: 'b' }]);
    await run(db, 'delete from items');
  });

  test('cannot change any table, nor read or enter the schema of another service', async () => {
    const { owner, auth, allocator } = names();
    await migrate(urlOf(owner), OTHER, { role: allocator });
    const db = database(auth, 'auth');
    const forbidden = [
      'create table mine (id int)',
      'create temporary table mine (id int)',
      'create table public.mine (id int)',
      'create schema mine',
      'alter table items add column more int',
      'drop table items',
      'truncate items',
      'select * from allocation.secrets',
      `insert into schema_migrations (name) values ('9999_forged')`,
      'delete from schema_migrations',
    ];
    for (const text of forbidden) await expect(run(db, text), text).rejects.toMatchObject({ code: '42501' });
  });
});
