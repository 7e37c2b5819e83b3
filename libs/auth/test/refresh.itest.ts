import { sql, tables } from '@warren/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthTables } from '../src/auth_tables.ts';
import { type AuthReplica, AuthWorld, SETTINGS } from './auth_fixture.ts';

const refused = { code: 'AUTH_REFRESH_REFUSED', kind: 'unauthenticated' };

describe('auth.refresh', () => {
  let world: AuthWorld;
  let auth: AuthReplica;
  let other: AuthReplica;

  beforeAll(async () => {
    world = await AuthWorld.create();
    auth = world.replica();
    other = world.replica();
    await auth.register('Ann');
  });
  afterAll(() => world.close());

  /** Moves the past of every token back, as if seconds had gone by. */
  const letTimePass = (seconds: number) =>
    sql`UPDATE refresh_tokens SET rotated_at = rotated_at - ${seconds} * interval '1 second'`.execute(
      tables<AuthTables>(auth.database.read),
    );

  it('gives a new pair, and the next one after it', async () => {
    let tokens = await auth.login('Ann');
    for (let i = 0; i < 3; i++) {
      const next = await auth.refresh(tokens.refresh_token);
      expect(next.refresh_token).not.toBe(tokens.refresh_token);
      expect(next.account_id).toBe(tokens.account_id);
      expect(next.expires_in).toBe(600);
      tokens = next;
    }
  });

  it('gives one hundred parallel calls on five replicas the same one successor, round after round', async () => {
    const replicas = [auth, other, world.replica(), world.replica(), world.replica()];
    let { refresh_token } = await auth.login('Ann');
    for (let round = 0; round < 20; round++) {
      const calls = Array.from({ length: 20 }, () => replicas.map((replica) => replica.refresh(refresh_token))).flat();
      const successors = new Set((await Promise.all(calls)).map((reply) => reply.refresh_token));
      expect(successors.size).toBe(1);
      [refresh_token = ''] = successors;
    }
    const { rows } = await sql<{ tokens: number; live: number }>`
      SELECT count(*)::int AS tokens, (count(*) FILTER (WHERE rotated_at IS NULL))::int AS live
      FROM refresh_tokens WHERE session_id = (SELECT session_id FROM refresh_tokens ORDER BY created_at DESC LIMIT 1)
    `.execute(tables<AuthTables>(auth.database.read));
    expect(rows).toEqual([{ tokens: 21, live: 1 }]);
  });

  it('shares one run between parallel calls of one process, and begins anew afterwards', async () => {
    const { refresh_token } = await auth.login('Ann');
    const [a, b] = await Promise.all([auth.refresh(refresh_token), auth.refresh(refresh_token)]);
    expect(b.access_token).toBe(a.access_token);
    const repeated = await auth.refresh(refresh_token);
    expect(repeated.refresh_token).toBe(a.refresh_token);
    expect(repeated.access_token).not.toBe(a.access_token);
  });

  it('refuses a repeat within the grace once the successor was used, and revokes nothing', async () => {
    const first = await auth.login('Ann');
    const second = await auth.refresh(first.refresh_token);
    const third = await auth.refresh(second.refresh_token);
    await expect(auth.refresh(first.refresh_token)).rejects.toMatchObject(refused);
    await expect(auth.refresh(third.refresh_token)).resolves.toMatchObject({ token_type: 'Bearer' });
  });

  it('ends the whole session when a spent token comes back after the grace, whoever holds the newest token', async () => {
    const first = await auth.login('Ann');
    const second = await auth.refresh(first.refresh_token);
    await letTimePass(11);
    await expect(auth.refresh(first.refresh_token)).rejects.toMatchObject(refused);
    await expect(auth.refresh(second.refresh_token)).rejects.toMatchObject(refused);
  });

  it('leaves other sessions of the account alone when one is ended by reuse', async () => {
    const stolen = await auth.login('Ann');
    const safe = await auth.login('Ann');
    await auth.refresh(stolen.refresh_token);
    await letTimePass(11);
    await expect(auth.refresh(stolen.refresh_token)).rejects.toMatchObject(refused);
    await expect(auth.refresh(safe.refresh_token)).resolves.toMatchObject({ token_type: 'Bearer' });
  });

  it('leaves nobody logged in once a stolen token was used by both, in every order', async () => {
    const orders = [
      ['owner', 'thief'],
      ['thief', 'owner'],
      ['owner', 'owner', 'thief'],
      ['thief', 'thief', 'owner'],
    ];
    for (const order of orders) {
      const shared = (await auth.login('Ann')).refresh_token;
      const held = new Map<string, string>();
      for (const who of order) {
        const presented = held.get(who) ?? shared;
        const reply = await auth.refresh(presented).catch(() => undefined);
        if (reply !== undefined) held.set(who, reply.refresh_token);
        await letTimePass(11);
      }
      for (const token of [shared, ...held.values()]) await expect(auth.refresh(token)).rejects.toMatchObject(refused);
    }
  });

  it('refuses a token that nobody issued, one that is over, and one whose account is banned', async () => {
    await expect(auth.refresh('A'.repeat(43))).rejects.toMatchObject(refused);
    const old = await auth.login('Ann');
    const db = tables<AuthTables>(auth.database.read);
    await sql`UPDATE refresh_tokens SET expires_at = now() - interval '1 second'`.execute(db);
    await expect(auth.refresh(old.refresh_token)).rejects.toMatchObject(refused);
    await auth.register('Banned');
    const banned = await auth.login('Banned');
    await db.updateTable('accounts').set({ banned_at: new Date() }).where('login', '=', 'Banned').execute();
    await expect(auth.refresh(banned.refresh_token)).rejects.toMatchObject(refused);
  });

  it('never lets a token outlive its session', async () => {
    const short = world.replica({ ...SETTINGS, sessionTtlSeconds: 120 });
    const tokens = await short.login('Ann');
    expect(tokens.refresh_expires_in).toBe(120);
    expect(tokens.expires_in).toBe(120);
    const next = await short.refresh(tokens.refresh_token);
    expect(next.refresh_expires_in).toBeLessThanOrEqual(120);
    expect(next.expires_in).toBeLessThanOrEqual(120);
  });
});
