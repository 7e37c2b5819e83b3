import { EXCHANGE_SERVER_KEY, REGISTER } from '@warren/contracts';
import { sql, tables } from '@warren/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthTables } from '../src/auth_tables.ts';
import { createServerKey } from '../src/index.ts';
import { type AuthReplica, AuthWorld } from './auth_fixture.ts';

describe('what the database holds', () => {
  let world: AuthWorld;
  let auth: AuthReplica;

  beforeAll(async () => {
    world = await AuthWorld.create();
    auth = world.replica();
  });
  afterAll(() => world.close());

  /** Every row of every table, as text, with binary values as they are and in base64. */
  async function everything(): Promise<string> {
    const db = tables<AuthTables>(auth.database.read);
    const names = await sql<{
      name: string;
    }>`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'auth'`.execute(db);
    const dumps: string[] = [];
    for (const { name } of names.rows) {
      const { rows } = await sql<Record<string, unknown>>`SELECT * FROM ${sql.table(name)}`.execute(db);
      for (const value of rows.flatMap((row) => Object.values(row))) {
        dumps.push(
          Buffer.isBuffer(value)
            ? `${value.toString('latin1')}\n${value.toString('base64url')}\n${value.toString('hex')}`
            : String(value),
        );
      }
    }
    return dumps.join('\n');
  }

  it('is no secret that anybody could use: neither as it was given nor its bytes', async () => {
    const password = 'correct horse 77 staple';
    await auth.call(REGISTER, { login: 'Ann', password, display_name: 'Ann' }, { messageId: 'register-ann' });
    const first = await auth.login('Ann', password);
    const second = await auth.refresh(first.refresh_token);
    const serverKey = await createServerKey(auth.database, 'fleet');
    const server = await auth.call(EXCHANGE_SERVER_KEY, { server_key: serverKey, instance_id: 'arena-1' });
    const dump = await everything();
    expect(dump).toContain('Ann');
    expect(dump).toContain('register-ann');
    const secrets = [
      password,
      first.access_token,
      first.refresh_token,
      second.refresh_token,
      second.access_token,
      serverKey,
      server.access_token,
    ];
    for (const secret of secrets) {
      expect(dump).not.toContain(secret);
      expect(dump).not.toContain(Buffer.from(secret).toString('hex'));
    }
    for (const token of [first, second]) {
      expect(dump).not.toContain(Buffer.from(token.refresh_token, 'base64url').toString('hex'));
    }
  });

  it('is no private key in the clear', async () => {
    await auth.register('Bob');
    await auth.login('Bob');
    const dump = await everything();
    expect(dump).not.toMatch(/PRIVATE KEY|"d":/);
    // every PKCS #8 key on this curve begins with these bytes
    expect(dump).not.toContain('308187020100301306072a8648ce3d020106082a8648ce3d030107');
  });

  it('forgets the sealed successor of a token as soon as the successor is used', async () => {
    const first = await auth.login('Bob');
    const second = await auth.refresh(first.refresh_token);
    await auth.refresh(second.refresh_token);
    const rows = await tables<AuthTables>(auth.database.read)
      .selectFrom('refresh_tokens')
      .innerJoin('sessions', 'sessions.id', 'refresh_tokens.session_id')
      .select(['generation', 'successor_sealed'])
      .where('account_id', '=', first.account_id)
      .where('generation', '=', 0)
      .where('rotated_at', 'is not', null)
      .execute();
    expect(rows.map((row) => row.successor_sealed)).toEqual([null]);
  });
});
