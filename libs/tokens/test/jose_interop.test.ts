import { newId } from '@warren/kernel';
import { createLocalJWKSet, exportJWK, importJWK, jwtVerify, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { TokenSigner, TokenVerifier } from '../src/index.ts';
import { ACCOUNT, CountingSource, ISSUER, jwksOf, newKey, SESSION } from './token_fixture.ts';

const key = newKey('k1');
const jwks = jwksOf(key);

describe('tokens and jose', () => {
  it('jose verifies what we sign with the JWKS that we publish', async () => {
    const signer = new TokenSigner({ issuer: ISSUER });
    const { token } = signer.signAccessToken(key, { sub: ACCOUNT, sid: SESSION, roles: ['player'], gen: 1 }, 300);
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), {
      issuer: ISSUER,
      audience: 'warren-gateway',
      typ: 'at+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'sid', 'jti', 'exp', 'nbf', 'iat'],
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' });
    expect(payload).toMatchObject({ sub: ACCOUNT, sid: SESSION, roles: ['player'], gen: 1 });
  });

  it('we verify what jose signs in our form', async () => {
    const privateKey = await importJWK(await exportJWK(key.privateKey), 'ES256');
    const token = await new SignJWT({ sid: SESSION, roles: [], gen: 0 })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k1' })
      .setIssuer(ISSUER)
      .setAudience('warren-gateway')
      .setSubject(ACCOUNT)
      .setJti(newId())
      .setIssuedAt()
      .setNotBefore('0 s')
      .setExpirationTime('5 m')
      .sign(privateKey);
    const verifier = new TokenVerifier({ source: new CountingSource(() => jwks), issuer: ISSUER });
    await expect(verifier.verifyAccessToken(token)).resolves.toMatchObject({ sub: ACCOUNT, sid: SESSION });
  });
});
