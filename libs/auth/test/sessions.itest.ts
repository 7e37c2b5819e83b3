import { GET_ACCOUNT, LOGOUT, UPDATE_ACCOUNT, VALIDATE_TOKEN } from '@warren/contracts';
import { newId } from '@warren/kernel';
import { sql, tables } from '@warren/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthTables } from '../src/auth_tables.ts';
import { AUTH_TOKENS } from '../src/index.ts';
import { type AuthReplica, AuthWorld, actorOf } from './auth_fixture.ts';

describe('a session', () => {
  let world: AuthWorld;
  let auth: AuthReplica;

  beforeAll(async () => {
    world = await AuthWorld.create();
    auth = world.replica();
    await auth.register('Ann');
  });
  afterAll(() => world.close());

  it('ends with logout: its refresh token and its access token stop working, another session goes on', async () => {
    const [here, elsewhere] = [await auth.login('Ann'), await auth.login('Ann')];
    const actor = await actorOf(auth, here);
    expect(await auth.call(LOGOUT, {}, { actor })).toEqual({ logged_out: true });
    expect(await auth.call(LOGOUT, {}, { actor })).toEqual({ logged_out: true });
    await expect(auth.refresh(here.refresh_token)).rejects.toMatchObject({ code: 'AUTH_REFRESH_REFUSED' });
    expect(await auth.call(VALIDATE_TOKEN, { token: here.access_token })).toEqual({ active: false });
    await expect(auth.refresh(elsewhere.refresh_token)).resolves.toMatchObject({ token_type: 'Bearer' });
  });

  it('is over for good when logout and refresh meet', async () => {
    for (let round = 0; round < 10; round++) {
      const tokens = await auth.login('Ann');
      const actor = await actorOf(auth, tokens);
      const [, refreshed] = await Promise.allSettled([
        auth.call(LOGOUT, {}, { actor }),
        auth.refresh(tokens.refresh_token),
      ]);
      const last = refreshed.status === 'fulfilled' ? refreshed.value.refresh_token : tokens.refresh_token;
      await expect(auth.refresh(last)).rejects.toMatchObject({ code: 'AUTH_REFRESH_REFUSED' });
    }
  });

  it('is confirmed by validate_token while it lives and the rights are those of the token', async () => {
    const tokens = await auth.login('Ann');
    const actor = await actorOf(auth, tokens);
    const reply = await auth.call(VALIDATE_TOKEN, { token: tokens.access_token });
    expect(reply).toMatchObject({ active: true, account_id: tokens.account_id, roles: ['player'] });
    if (actor.kind === 'player' && reply.active) expect(reply.session_id).toBe(actor.sessionId);
    await sql`UPDATE accounts SET gen = gen + 1`.execute(tables<AuthTables>(auth.database.read));
    expect(await auth.call(VALIDATE_TOKEN, { token: tokens.access_token })).toEqual({ active: false });
    expect(await auth.call(VALIDATE_TOKEN, { token: `${tokens.access_token}x` })).toEqual({ active: false });
    expect(await auth.call(VALIDATE_TOKEN, { token: 'garbage' })).toEqual({ active: false });
  });

  it('renames its account once per message id, and nobody renames an account that is not there', async () => {
    const tokens = await auth.login('Ann');
    const actor = await actorOf(auth, tokens);
    const [one, other] = [newId(), newId()];
    const first = await auth.call(UPDATE_ACCOUNT, { display_name: 'Bigwig' }, { actor, messageId: one });
    expect(first).toEqual({ account_id: tokens.account_id, display_name: 'Bigwig', version: first.version });
    const second = await auth.call(UPDATE_ACCOUNT, { display_name: 'Silver' }, { actor, messageId: other });
    expect(second.version).toBe(first.version + 1);
    expect(await auth.call(UPDATE_ACCOUNT, { display_name: 'Bigwig' }, { actor, messageId: one })).toEqual(first);
    expect(await auth.call(GET_ACCOUNT, {}, { actor })).toMatchObject({ display_name: 'Silver' });
    const stranger = { kind: 'player', id: newId(), sessionId: newId(), roles: [] } as const;
    await expect(auth.call(UPDATE_ACCOUNT, { display_name: 'Nobody' }, { actor: stranger })).rejects.toMatchObject({
      code: 'AUTH_ACCOUNT_NOT_FOUND',
    });
    await expect(auth.call(UPDATE_ACCOUNT, { display_name: 'Nobody' })).rejects.toMatchObject({
      code: 'ACCESS_UNAUTHENTICATED',
    });
  });

  it('gives its player the account, and nobody else one', async () => {
    const tokens = await auth.login('Ann');
    const account = await auth.call(GET_ACCOUNT, {}, { actor: await actorOf(auth, tokens) });
    expect(account).toMatchObject({ account_id: tokens.account_id, login: 'Ann', roles: ['player'] });
    const stranger = { kind: 'player', id: newId(), sessionId: newId(), roles: [] } as const;
    await expect(auth.call(GET_ACCOUNT, {}, { actor: stranger })).rejects.toMatchObject({
      code: 'AUTH_ACCOUNT_NOT_FOUND',
    });
    await expect(auth.call(GET_ACCOUNT, {})).rejects.toMatchObject({ code: 'ACCESS_UNAUTHENTICATED' });
    await expect(auth.call(LOGOUT, {})).rejects.toMatchObject({ code: 'ACCESS_UNAUTHENTICATED' });
  });

  it('is swept away with its tokens when its time is over, and not before', async () => {
    const sweeper = auth.container.resolve(AUTH_TOKENS.sweeper);
    const db = tables<AuthTables>(auth.database.read);
    await sweeper.sweep();
    const before = await db.selectFrom('sessions').select('id').execute();
    expect(await sweeper.sweep()).toBe(0);
    expect(before.length).toBeGreaterThan(0);
    await sql`UPDATE sessions SET expires_at = now() - interval '1 second'`.execute(db);
    expect(await sweeper.sweep()).toBe(before.length);
    expect(await db.selectFrom('refresh_tokens').select('hash').execute()).toEqual([]);
  });
});
