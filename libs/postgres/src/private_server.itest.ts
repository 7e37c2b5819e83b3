import { setTimeout as sleep } from 'node:timers/promises';
import { AppError, newId, silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { type PrivateServers, privateServers } from '@warren/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Database, ensureRolesAndDatabase, sql, tables } from './index.ts';

let servers: PrivateServers;
let adminUrl: string;

beforeAll(async () => {
  servers = await privateServers();
  adminUrl = (await servers.postgres()).url;
});

afterAll(() => servers.destroy());

const make = (url: string): Database =>
  new Database({
    url,
    schema: 'public',
    logger: silentLogger(),
    metrics: new Metrics('test'),
    max: 4,
    timeouts: { connectMs: 1_000 },
  });

describe('a server that asks for passwords', () => {
  test('refuses a wrong one with a clear error that does not repeat it', async () => {
    const url = new URL(adminUrl);
    url.password = 'Sesame-Open-77';
    const db = make(url.href);
    const error: unknown = await db.ping().catch((cause: unknown) => cause);
    await db.close();
    expect(error).toMatchObject({
      code: 'DATABASE_ACCESS_REFUSED',
      message: 'The database refuses the password of this role.',
    });
    const cause = error instanceof AppError && error.cause instanceof Error ? error.cause.stack : 'Sesame';
    expect(`${cause}${error instanceof Error ? error.stack : ''}${JSON.stringify(error)}`).not.toContain('Sesame');
  });

  test('gets a new password only for the role whose login failed, and then lets it in', async () => {
    const account = (name: string, password: string) => ({ name, password });
    const plan = {
      database: 'shop',
      owner: account('shop_owner', 'owner-1'),
      roles: [
        { ...account('shop_auth', 'auth-1'), schema: 'auth' },
        { ...account('shop_alloc', 'alloc-1'), schema: 'allocation' },
      ],
    };
    const first = await ensureRolesAndDatabase(adminUrl, plan);
    expect(first).toHaveProperty(
      'changes',
      expect.arrayContaining(['created database shop', 'created role shop_auth']),
    );
    expect(await ensureRolesAndDatabase(adminUrl, plan)).toEqual({ kind: 'ready', changes: [] });
    const changed = {
      ...plan,
      roles: plan.roles.map((role) => ({ ...role, password: role.name === 'shop_auth' ? 'auth-2' : role.password })),
    };
    expect(await ensureRolesAndDatabase(adminUrl, changed)).toEqual({
      kind: 'ready',
      changes: ['changed the password of role shop_auth'],
    });
    const url = new URL(adminUrl);
    Object.assign(url, { pathname: '/shop', username: 'shop_auth', password: 'auth-2' });
    const db = make(url.href);
    await db.ping();
    await db.close();
  });

  test('keeps a verifier, so that a password never reaches its log', async () => {
    const plan = {
      database: 'kept',
      owner: { name: 'kept_owner', password: 'o-1' },
      roles: [{ name: 'kept_auth', password: 'a-1', schema: 'auth' }],
    };
    await ensureRolesAndDatabase(adminUrl, plan);
    const admin = make(adminUrl);
    const { rows } = await sql<{ stored: string }>`
      select rolpassword as stored from pg_authid where rolname in ('kept_owner', 'kept_auth')`.execute(
      tables(admin.read),
    );
    await admin.close();
    expect(rows).toHaveLength(2);
    for (const { stored } of rows) expect(stored).toMatch(/^SCRAM-SHA-256\$4096:/);
  });

  test.each(['superuser', 'createrole', 'createdb', 'replication', 'bypassrls'])(
    'makes no service of a role with the right %s',
    async (right) => {
      const admin = make(adminUrl);
      await sql.raw(`create role mighty_${right} login ${right} password 'mighty-1'`).execute(tables(admin.read));
      const plan = { database: 'safe', owner: { name: `mighty_${right}`, password: 'other' }, roles: [] };
      await expect(ensureRolesAndDatabase(adminUrl, plan)).rejects.toMatchObject({ code: 'DATABASE_ROLE_UNSAFE' });
      await admin.close();
      const url = new URL(adminUrl);
      Object.assign(url, { username: `mighty_${right}`, password: 'mighty-1' });
      const still = make(url.href);
      await still.ping();
      await still.close();
    },
  );

  test('is set up by an administrator who is no superuser but may make roles and databases', async () => {
    const admin = make(adminUrl);
    await sql`create role helper login createdb createrole password 'helper-1'`.execute(tables(admin.read));
    await admin.close();
    const url = new URL(adminUrl);
    Object.assign(url, { username: 'helper', password: 'helper-1' });
    const plan = {
      database: 'second',
      owner: { name: 'second_owner', password: 'o-1' },
      roles: [{ name: 'second_auth', password: 'a-1', schema: 'auth' }],
    };
    expect(await ensureRolesAndDatabase(url.href, plan)).toMatchObject({ kind: 'ready' });
    expect(await ensureRolesAndDatabase(url.href, plan)).toEqual({ kind: 'ready', changes: [] });
  });
});

describe('a server that is killed under load', () => {
  test('never loses a commit that was reported, nor holds one that was reported as not applied', async () => {
    const db = make(adminUrl);
    await sql`create table marks (id text primary key)`.execute(tables(db.read));
    const outcomes = { committed: new Set<string>(), refused: new Set<string>(), unknown: new Set<string>() };
    const stopped = new AbortController();
    const writer = async (): Promise<void> => {
      while (!stopped.signal.aborted) {
        const id = newId();
        try {
          await db.transaction((tx) => sql`insert into marks (id) values (${id})`.execute(tables(tx)));
          outcomes.committed.add(id);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          expect(error.retryable).toBe(true);
          (error.code === 'SERVICE_LINK_LOST' ? outcomes.unknown : outcomes.refused).add(id);
          await sleep(20);
        }
      }
    };
    const writers = Promise.all([1, 2, 3, 4].map(writer));
    for (let round = 0; round < 3; round += 1) {
      await sleep(150 + Math.random() * 100);
      await (await servers.postgres()).kill('SIGKILL');
      await sleep(100);
      await servers.postgres();
    }
    await sleep(600);
    stopped.abort();
    await writers;
    const { rows } = await sql<{ id: string }>`select id from marks`.execute(tables(db.read));
    const present = new Set(rows.map((row) => row.id));
    expect([...outcomes.committed].filter((id) => !present.has(id))).toEqual([]);
    expect([...outcomes.refused].filter((id) => present.has(id))).toEqual([]);
    expect(outcomes.committed.size).toBeGreaterThan(20);
    expect(outcomes.refused.size).toBeGreaterThan(0);
    await db.close();
  });
});
