import { EXCHANGE_SERVER_KEY } from '@warren/contracts';
import { tables } from '@warren/postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INTERNAL } from '../src/auth_container.ts';
import type { AuthTables } from '../src/auth_tables.ts';
import { createServerKey, ensureServerKey } from '../src/index.ts';
import { type AuthReplica, AuthWorld } from './auth_fixture.ts';

describe('a server key', () => {
  let world: AuthWorld;
  let auth: AuthReplica;

  beforeAll(async () => {
    world = await AuthWorld.create();
    auth = world.replica();
  });
  afterAll(() => world.close());

  const exchange = (server_key: string, instance_id: string) =>
    auth.call(EXCHANGE_SERVER_KEY, { server_key, instance_id });

  it('is exchanged for a token of ten minutes that names the instance', async () => {
    const key = await createServerKey(auth.database, 'fleet');
    const reply = await exchange(key, 'arena-1');
    expect(reply).toMatchObject({ token_type: 'Bearer', expires_in: 600 });
    const claims = await auth.container.resolve(INTERNAL.verifier).verifyServerToken(reply.access_token);
    expect(claims.sub).toBe('arena-1');
    await expect(exchange(key, 'arena-1')).resolves.toMatchObject({ expires_in: 600 });
  });

  it('owns the instance ids that it was first to use', async () => {
    const [ours, theirs] = [
      await createServerKey(auth.database, 'ours'),
      await createServerKey(auth.database, 'theirs'),
    ];
    await exchange(ours, 'owned-1');
    await expect(exchange(theirs, 'owned-1')).rejects.toMatchObject({ code: 'AUTH_INSTANCE_TAKEN', kind: 'forbidden' });
    await expect(exchange(theirs, 'owned-2')).resolves.toMatchObject({ expires_in: 600 });
    const outcomes = await Promise.allSettled([exchange(ours, 'raced'), exchange(theirs, 'raced')]);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is refused when nobody made it or it was revoked', async () => {
    const key = await createServerKey(auth.database, 'short-lived');
    await tables<AuthTables>(auth.database.read)
      .updateTable('server_keys')
      .set({ revoked_at: new Date() })
      .where('name', '=', 'short-lived')
      .execute();
    for (const refused of [key, `${key}x`, 'wsk_'.padEnd(47, 'A')]) {
      await expect(exchange(refused, 'arena-9')).rejects.toMatchObject({ code: 'AUTH_SERVER_KEY_REFUSED' });
    }
    await expect(ensureServerKey(auth.database, 'again', key)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  it('leaves its instance ids to the next key when it is revoked', async () => {
    const [old, next, other] = [
      await createServerKey(auth.database, 'leaked'),
      await createServerKey(auth.database, 'its-successor'),
      await createServerKey(auth.database, 'another'),
    ];
    await exchange(old, 'renewed-1');
    await expect(exchange(next, 'renewed-1')).rejects.toMatchObject({ code: 'AUTH_INSTANCE_TAKEN' });
    await tables<AuthTables>(auth.database.read)
      .updateTable('server_keys')
      .set({ revoked_at: new Date() })
      .where('name', '=', 'leaked')
      .execute();
    await expect(exchange(next, 'renewed-1')).resolves.toMatchObject({ expires_in: 600 });
    await expect(exchange(other, 'renewed-1')).rejects.toMatchObject({ code: 'AUTH_INSTANCE_TAKEN' });
    await expect(exchange(old, 'renewed-1')).rejects.toMatchObject({ code: 'AUTH_SERVER_KEY_REFUSED' });
  });

  it('can be brought along, any number of times and by several at once', async () => {
    const key = 'a-key-of-somebodys-own-making';
    const added = await Promise.all(Array.from({ length: 5 }, () => ensureServerKey(auth.database, 'fleet', key)));
    expect(added.filter((added) => added)).toHaveLength(1);
    await expect(exchange(key, 'arena-own')).resolves.toMatchObject({ expires_in: 600 });
    await expect(ensureServerKey(auth.database, 'fleet', 'short')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    await expect(createServerKey(auth.database, '  ')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });
});
