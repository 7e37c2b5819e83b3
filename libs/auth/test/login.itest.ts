import { LOGIN } from '@warren/contracts';
import { toAppError } from '@warren/kernel';
import { tables } from '@warren/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthTables } from '../src/auth_tables.ts';
import { Argon2Password } from '../src/services/argon2_password.ts';
import { type AuthReplica, AuthWorld, actorOf, PASSWORD } from './auth_fixture.ts';

const wrong = {
  code: 'AUTH_CREDENTIALS_WRONG',
  kind: 'unauthenticated',
  message: 'The login or the password is wrong.',
};

describe('auth.login', () => {
  let world: AuthWorld;
  let auth: AuthReplica;

  beforeAll(async () => {
    world = await AuthWorld.create();
    auth = world.replica();
    await auth.register('Ann Ünal');
  });
  afterAll(() => world.close());

  it('gives tokens that name the account, its session and its roles', async () => {
    const tokens = await auth.login('Ann Ünal');
    expect(await actorOf(auth, tokens)).toMatchObject({ kind: 'player', id: tokens.account_id, roles: ['player'] });
    expect(tokens).toMatchObject({ expires_in: 600, refresh_expires_in: 3_600, token_type: 'Bearer' });
    expect(Buffer.from(tokens.refresh_token, 'base64url')).toHaveLength(32);
  });

  it('finds an account by any spelling with the same canonical form', async () => {
    const { account_id } = await auth.login('Ann Ünal');
    for (const spelling of ['ann ünal', 'ANN ÜNAL', 'Ann U\u0308nal', 'Ａｎｎ Ünal']) {
      await expect(auth.login(spelling)).resolves.toMatchObject({ account_id });
    }
  });

  it('does the work of one hash for a known login, an unknown one and one that cannot exist, with equal answers', async () => {
    for (const login of ['Ann Ünal', 'nobody at all', 'bell\u0007', ' edge', '\u0000', '\ud800']) {
      const before = auth.algorithm.verifies;
      await expect(auth.login(login, 'not the password')).rejects.toMatchObject(wrong);
      expect(auth.algorithm.verifies - before).toBe(1);
    }
    expect(auth.algorithm.hashes).toBe(1);
  });

  it('opens a session of its own for every login, also with one Idempotency-Key', async () => {
    const dto = { login: 'Ann Ünal', password: PASSWORD };
    const [a, b] = [
      await auth.call(LOGIN, dto, { messageId: 'same' }),
      await auth.call(LOGIN, dto, { messageId: 'same' }),
    ];
    expect(b.refresh_token).not.toBe(a.refresh_token);
  });

  it('makes the hash anew when it was made with weaker parameters, and the old password goes on working', async () => {
    await auth.register('Weak');
    const db = tables<AuthTables>(auth.database.read);
    const weak = await new Argon2Password({ memoryCost: 8_192, timeCost: 1, parallelism: 1 }).hash(PASSWORD);
    const owner = db.selectFrom('accounts').select('id').where('login', '=', 'Weak');
    await db.updateTable('credentials').set({ password_hash: weak }).where('account_id', '=', owner).execute();
    await Promise.all(Array.from({ length: 8 }, () => auth.login('Weak')));
    const row = await db
      .selectFrom('credentials')
      .select('password_hash')
      .where('account_id', '=', owner)
      .executeTakeFirstOrThrow();
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    await expect(auth.login('Weak')).resolves.toMatchObject({ token_type: 'Bearer' });
  });

  it('tells a banned player so, but only after the right password', async () => {
    await auth.register('Banned');
    const db = tables<AuthTables>(auth.database.read);
    await db.updateTable('accounts').set({ banned_at: new Date() }).where('login', '=', 'Banned').execute();
    await expect(auth.login('Banned')).rejects.toMatchObject({ code: 'ACCESS_FORBIDDEN' });
    await expect(auth.login('Banned', 'not the password')).rejects.toMatchObject(wrong);
  });

  it('answers "busy" when far too many come at once, and answers all', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, () => auth.login('Ann Ünal', 'not the password')),
    );
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? toAppError(outcome.reason).code : 'ok'));
    const busy = codes.filter((code) => code === 'AUTH_HASHING_BUSY').length;
    expect(busy).toBeGreaterThan(0);
    expect(busy + codes.filter((code) => code === 'AUTH_CREDENTIALS_WRONG').length).toBe(200);
  });
});
