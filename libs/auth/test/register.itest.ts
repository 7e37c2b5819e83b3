import { REGISTER } from '@warren/contracts';
import { tables } from '@warren/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthTables } from '../src/auth_tables.ts';
import { type AuthReplica, AuthWorld, PASSWORD } from './auth_fixture.ts';

describe('auth.register', () => {
  let world: AuthWorld;
  let auth: AuthReplica;

  beforeAll(async () => {
    world = await AuthWorld.create();
    auth = world.replica();
  });
  afterAll(() => world.close());

  it('returns login and display name exactly as they were sent', async () => {
    const texts = [
      'Zoë',
      'ﬁsh & chips',
      '田中さん',
      '🦊🦊🦊',
      "Robert'); DROP TABLE accounts;--",
      '<script>alert(1)</script>',
      'مرحبا بكم',
      'a\u0301\u0301\u0301b',
    ];
    for (const text of texts) {
      const reply = await auth.call(REGISTER, { login: text, password: PASSWORD, display_name: `  ${text} ` });
      expect(reply).toMatchObject({ login: text, display_name: `  ${text} `, roles: ['player'] });
    }
  });

  it.each([
    ['a control character', 'ann\u0007'],
    ['a line feed', 'ann\nlee'],
    ['a space before', ' ann'],
    ['a no-break space after', 'ann\u00a0'],
    ['a zero-width space', 'an\u200bn'],
    ['a direction override', 'ann\u202etxt'],
    ['a tag character', 'ann\u{e0041}'],
    ['a private character', 'ann\ue000'],
    ['an unassigned character', 'ann\u0378'],
    ['a combining mark before', '\u0301ann'],
    ['white space only', '   '],
  ])('refuses a login with %s and names the field', async (_title, login) => {
    await expect(auth.register(login)).rejects.toMatchObject({
      code: 'AUTH_LOGIN_NOT_ALLOWED',
      kind: 'invalid',
      fields: [{ path: 'login' }],
    });
  });

  it('refuses a login whose canonical form is taken, and says so of the field', async () => {
    await auth.register('Straße');
    for (const twin of ['Straße', 'STRASSE', 'ｓｔｒａｓｓｅ', 'strasse']) {
      await expect(auth.register(twin)).rejects.toMatchObject({
        code: 'AUTH_LOGIN_TAKEN',
        fields: [{ path: 'login' }],
      });
    }
  });

  it('lets one of twenty parallel registrations of one login win', async () => {
    const other = world.replica();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? auth : other).register('Racer')),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'AUTH_LOGIN_TAKEN' });
    }
  });

  it('answers a repeated key with the same account and makes no second one', async () => {
    const dto = { login: 'Twice', password: PASSWORD, display_name: 'Twice' };
    const first = await auth.call(REGISTER, dto, { messageId: 'key-1' });
    expect(await auth.call(REGISTER, dto, { messageId: 'key-1' })).toEqual(first);
    const count = await tables<AuthTables>(auth.database.read)
      .selectFrom('accounts')
      .select('id')
      .where('login', '=', 'Twice')
      .execute();
    expect(count).toHaveLength(1);
  });

  it.each(['password123', 'PASSWORD123', 'qwertyuiop', 'ÄÄÄÄÄÄÄÄ', 'Weakling 7'])(
    'refuses the password %s as too weak',
    async (password) => {
      await expect(auth.register('weakling 7', password)).rejects.toMatchObject({
        code: 'AUTH_PASSWORD_TOO_WEAK',
        fields: [{ path: 'password' }],
      });
    },
  );

  it('uses every byte of a long password', async () => {
    const long = 'x1'.repeat(60);
    await auth.register('Long', long);
    await expect(auth.login('Long', `${long.slice(0, -1)}2`)).rejects.toMatchObject({ code: 'AUTH_CREDENTIALS_WRONG' });
    await expect(auth.login('Long', long)).resolves.toMatchObject({ token_type: 'Bearer' });
  });

  it('finds a password typed in decomposed characters', async () => {
    await auth.register('Accents', 'pässwörter für alle');
    await expect(auth.login('Accents', 'pässwörter für alle'.normalize('NFD'))).resolves.toMatchObject({
      token_type: 'Bearer',
    });
  });
});
