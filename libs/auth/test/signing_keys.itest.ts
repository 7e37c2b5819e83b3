import { randomBytes } from 'node:crypto';
import { GET_JWKS, ISSUE_JOIN_TICKET } from '@warren/contracts';
import { newId } from '@warren/kernel';
import { tables } from '@warren/postgres';
import { TokenVerifier } from '@warren/tokens';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuthTables } from '../src/auth_tables.ts';
import { AUTH_TOKENS } from '../src/index.ts';
import { type AuthReplica, AuthWorld, SETTINGS } from './auth_fixture.ts';

describe('the signing key', () => {
  let world: AuthWorld;

  beforeEach(async () => {
    world = await AuthWorld.create();
  });
  afterEach(() => world.close());

  const start = (replica: AuthReplica) => replica.container.resolve(AUTH_TOKENS.signingKeyTask).start();

  it('is one, however many replicas start at once, and each verifies what the others sign', async () => {
    const replicas = Array.from({ length: 4 }, () => world.replica());
    await Promise.all(replicas.map(start));
    const [first, second] = replicas;
    if (first === undefined || second === undefined) throw new Error('no replicas');
    const rows = await tables<AuthTables>(first.database.read)
      .selectFrom('signing_keys')
      .select(['kid', 'state'])
      .execute();
    expect(rows.map(({ state }) => state)).toEqual(['active']);
    const answers = await Promise.all(replicas.map((replica) => replica.call(GET_JWKS, {})));
    for (const { keys } of answers) expect(keys).toMatchObject([{ kid: rows[0]?.kid, alg: 'ES256' }]);
    await first.register('Ann');
    const { access_token } = await first.login('Ann');
    const verifier = new TokenVerifier({
      source: { fetchKeys: () => second.call(GET_JWKS, {}) },
      issuer: SETTINGS.tokenIssuer,
    });
    await expect(verifier.verifyAccessToken(access_token)).resolves.toMatchObject({ roles: ['player'] });
  });

  it('exists before the first answer of get_jwks, so that no verifier remembers an empty list', async () => {
    expect((await world.replica().call(GET_JWKS, {})).keys).toHaveLength(1);
  });

  it('does not open under another AUTH_KEY_ENCRYPTION_KEY, and the refusal names the variable', async () => {
    await start(world.replica());
    const stranger = world.replica({ ...SETTINGS, keyEncryptionKey: randomBytes(32) });
    const refused = await start(stranger).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'AUTH_SIGNING_KEY_UNREADABLE' });
    expect(String(refused)).toContain('AUTH_KEY_ENCRYPTION_KEY');
  });

  it('cannot be two: the database refuses a second active key', async () => {
    const replica = world.replica();
    await start(replica);
    const row = {
      kid: 'k2',
      state: 'active' as const,
      public_x: 'x',
      public_y: 'y',
      private_sealed: Buffer.alloc(40),
      retired_at: null,
    };
    await expect(
      tables<AuthTables>(replica.database.read).insertInto('signing_keys').values(row).execute(),
    ).rejects.toThrow(/signing_keys_one_active/);
  });

  it('stays published for a while after its retirement, and the next one is published ahead', async () => {
    const replica = world.replica();
    await start(replica);
    const db = tables<AuthTables>(replica.database.read);
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    const key = { public_x: 'x', public_y: 'y', private_sealed: Buffer.alloc(40) };
    await db
      .insertInto('signing_keys')
      .values([
        { ...key, kid: 'next', state: 'next', retired_at: null },
        { ...key, kid: 'fresh', state: 'retired', retired_at: minutesAgo(5) },
        { ...key, kid: 'stale', state: 'retired', retired_at: minutesAgo(60) },
      ])
      .execute();
    const kids = (await replica.call(GET_JWKS, {})).keys.map(({ kid }) => kid);
    expect(kids).toHaveLength(3);
    expect(kids).toEqual(expect.arrayContaining(['next', 'fresh']));
  });

  it('signs join tickets that only the named server accepts', async () => {
    const replica = world.replica();
    const verifier = new TokenVerifier({
      source: { fetchKeys: () => replica.call(GET_JWKS, {}) },
      issuer: SETTINGS.tokenIssuer,
    });
    const game_id = newId();
    const players = [
      { player_id: newId(), slot: 0 },
      { player_id: newId(), slot: 1 },
    ];
    const reply = await replica.call(ISSUE_JOIN_TICKET, { game_id, instance_id: 'arena-1', players });
    expect(reply.tickets.map(({ player_id, slot }) => ({ player_id, slot }))).toEqual(players);
    const seen = new Set<string>();
    for (const { player_id, slot, join_ticket } of reply.tickets) {
      const claims = await verifier.verifyJoinTicket(join_ticket, { instanceId: 'arena-1' });
      expect(claims).toMatchObject({ sub: player_id, slot, game_id });
      expect(new Date(claims.exp * 1_000).toISOString() >= reply.expires_at).toBe(true);
      seen.add(claims.jti);
      await expect(verifier.verifyJoinTicket(join_ticket, { instanceId: 'arena-2' })).rejects.toMatchObject({
        code: 'ACCESS_UNAUTHENTICATED',
      });
    }
    expect(seen.size).toBe(2);
  });
});
