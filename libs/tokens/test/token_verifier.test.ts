import { AppError, newId } from '@warren/kernel';
import { describe, expect, it } from 'vitest';
import { TokenSigner, TokenVerifier } from '../src/index.ts';
import { ACCOUNT, CountingSource, GAME, ISSUER, jwksOf, newKey, SESSION, StillClock } from './token_fixture.ts';

function setUp() {
  const clock = new StillClock();
  const key = newKey('k1');
  const source = new CountingSource(() => jwksOf(key));
  const verifier = new TokenVerifier({ source, issuer: ISSUER, clock });
  const signer = new TokenSigner({ issuer: ISSUER, clock });
  const access = () => signer.signAccessToken(key, { sub: ACCOUNT, sid: SESSION, roles: ['player'], gen: 3 }, 600);
  return { clock, key, source, verifier, signer, access };
}

const refused = { code: 'ACCESS_UNAUTHENTICATED', kind: 'unauthenticated', retryable: false };

describe('a TokenVerifier', () => {
  it('returns the claims of an access token that the signer made', async () => {
    const { verifier, access } = setUp();
    const signed = access();
    const claims = await verifier.verifyAccessToken(signed.token);
    expect(claims).toMatchObject({ sub: ACCOUNT, sid: SESSION, roles: ['player'], gen: 3, jti: signed.jti });
    expect(new Date(claims.exp * 1_000)).toEqual(signed.expiresAt);
  });

  it('returns the claims of a server token', async () => {
    const { verifier, signer, key } = setUp();
    const key_id = newId();
    const { token } = signer.signServerToken(key, { sub: 'arena-1', key_id }, 600);
    expect(await verifier.verifyServerToken(token)).toMatchObject({ sub: 'arena-1', key_id, aud: 'warren-server' });
  });

  it('accepts a join ticket at the server that it names and refuses it at any other', async () => {
    const { verifier, signer, key } = setUp();
    const { token } = signer.signJoinTicket(key, { sub: ACCOUNT, game_id: GAME, slot: 1, instanceId: 'arena-1' }, 60);
    expect(await verifier.verifyJoinTicket(token, { instanceId: 'arena-1' })).toMatchObject({
      sub: ACCOUNT,
      game_id: GAME,
      slot: 1,
    });
    await expect(verifier.verifyJoinTicket(token, { instanceId: 'arena-2' })).rejects.toMatchObject(refused);
  });

  it('refuses every kind of token where another kind is asked for', async () => {
    const { verifier, signer, key, access } = setUp();
    const server = signer.signServerToken(key, { sub: 'arena-1', key_id: newId() }, 600).token;
    const join = signer.signJoinTicket(key, { sub: ACCOUNT, game_id: GAME, slot: 0, instanceId: 'arena-1' }, 60).token;
    await expect(verifier.verifyServerToken(access().token)).rejects.toMatchObject(refused);
    await expect(verifier.verifyJoinTicket(access().token, { instanceId: 'arena-1' })).rejects.toMatchObject(refused);
    for (const token of [server, join]) await expect(verifier.verifyAccessToken(token)).rejects.toMatchObject(refused);
    await expect(verifier.verifyServerToken(join)).rejects.toMatchObject(refused);
  });

  it('gives five seconds of tolerance after the expiry and not more, also to a token it remembers', async () => {
    const { verifier, clock, access } = setUp();
    const { token } = access();
    await verifier.verifyAccessToken(token);
    clock.advance(604_000);
    await expect(verifier.verifyAccessToken(token)).resolves.toMatchObject({ sub: ACCOUNT });
    clock.advance(2_000);
    await expect(verifier.verifyAccessToken(token)).rejects.toMatchObject(refused);
  });

  it('gives callers claims that they cannot change for the next one', async () => {
    const { verifier, access } = setUp();
    const { token } = access();
    const claims = await verifier.verifyAccessToken(token);
    expect(() => Object.assign(claims, { sub: newId() })).toThrow(TypeError);
    expect(() => claims.roles.push('admin')).toThrow(TypeError);
  });

  it('answers every refusal with the same words and keeps the reason inside', async () => {
    const { verifier, access } = setUp();
    const { token } = access();
    const errors = await Promise.all(
      ['', 'garbage', `${token}x`, token.replace('.', '..'), `x${token}`].map((bad) =>
        verifier.verifyAccessToken(bad).catch((error: unknown) => error),
      ),
    );
    for (const error of errors) {
      if (!(error instanceof AppError)) throw new Error('not an AppError');
      expect({ code: error.code, message: error.message }).toEqual({
        code: 'ACCESS_UNAUTHENTICATED',
        message: 'Log in first: a valid access token is needed.',
      });
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  it('refuses to exist without an issuer', () => {
    const source = new CountingSource(() => jwksOf());
    expect(() => new TokenVerifier({ source, issuer: '' })).toThrow(TypeError);
    expect(() => new TokenSigner({ issuer: '' })).toThrow(TypeError);
  });
});

describe('a TokenSigner', () => {
  it('refuses a lifetime that no verifier would believe', () => {
    const { signer, key } = setUp();
    const claims = { sub: ACCOUNT, sid: SESSION, roles: [], gen: 0 };
    for (const seconds of [0, -1, 601, 1.5, Number.NaN]) {
      expect(() => signer.signAccessToken(key, claims, seconds)).toThrow(RangeError);
    }
  });

  it('gives every token an id of its own', () => {
    const { access } = setUp();
    expect(new Set(Array.from({ length: 50 }, () => access().jti)).size).toBe(50);
  });
});
