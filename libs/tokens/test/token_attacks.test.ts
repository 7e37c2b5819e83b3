import { createHmac } from 'node:crypto';
import { newId } from '@warren/kernel';
import { describe, expect, it } from 'vitest';
import { TokenVerifier } from '../src/index.ts';
import { MAX_TOKEN_CHARS } from '../src/token_verifier.ts';
import { ACCOUNT, CountingSource, forge, ISSUER, joinParts, jwksOf, newKey, SESSION } from './token_fixture.ts';

const key = newKey('k1');
const foreign = newKey('k1');
const source = new CountingSource(() => jwksOf(key));
const verifier = new TokenVerifier({ source, issuer: ISSUER });
const now = Math.floor(Date.now() / 1_000);

const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' };
const CLAIMS = {
  iss: ISSUER,
  aud: 'warren-gateway',
  sub: ACCOUNT,
  sid: SESSION,
  roles: ['player'],
  gen: 0,
  jti: newId(),
  iat: now,
  nbf: now,
  exp: now + 600,
};

const without = (name: keyof typeof CLAIMS): object =>
  Object.fromEntries(Object.entries(CLAIMS).filter(([field]) => field !== name));
const withClaims = (changes: object): string => forge(key, HEADER, { ...CLAIMS, ...changes });
const withHeader = (changes: object): string => forge(key, { ...HEADER, ...changes }, CLAIMS);
const hmac = (header: object, secret: string | Buffer): string => {
  const unsigned = joinParts(header, CLAIMS, '').slice(0, -1);
  return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
};

/** The twin (r, n - s) of an ES256 signature, which verifies as well. */
function twin(token: string): string {
  const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
  const [header = '', payload = '', signature = ''] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const changed = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  return `${header}.${payload}.${changed.toString('base64url')}`;
}

const pem = key.publicKey.export({ format: 'pem', type: 'spki' });
const der = key.publicKey.export({ format: 'der', type: 'spki' });
const jwk = foreign.publicKey.export({ format: 'jwk' });
const good = forge(key, HEADER, CLAIMS);
const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.');

const ATTACKS: Readonly<Record<string, string>> = {
  'alg none without a signature': joinParts({ ...HEADER, alg: 'none' }, CLAIMS, ''),
  'alg None with a signature': withHeader({ alg: 'None' }),
  'alg noNE': withHeader({ alg: 'noNE' }),
  'alg HS256 keyed with the public PEM': hmac({ ...HEADER, alg: 'HS256' }, pem),
  'alg HS256 keyed with the public DER': hmac({ ...HEADER, alg: 'HS256' }, der),
  'alg HS256 keyed with nothing': hmac({ ...HEADER, alg: 'HS256' }, ''),
  'alg ES384': withHeader({ alg: 'ES384' }),
  'alg RS256': withHeader({ alg: 'RS256' }),
  'alg PS256': withHeader({ alg: 'PS256' }),
  'alg es256 in lower case': withHeader({ alg: 'es256' }),
  'alg as a list': withHeader({ alg: ['ES256'] }),
  'alg missing': forge(key, { typ: 'at+jwt', kid: 'k1' }, CLAIMS),
  'a foreign key under a known kid': forge(foreign, HEADER, CLAIMS),
  'an unknown kid': withHeader({ kid: 'k2' }),
  'no kid': forge(key, { alg: 'ES256', typ: 'at+jwt' }, CLAIMS),
  'an empty kid': withHeader({ kid: '' }),
  'a kid that is a path': withHeader({ kid: '../../dev/null' }),
  'a kid that is SQL': withHeader({ kid: "k1' OR '1'='1" }),
  'a kid that is a number': withHeader({ kid: 1 }),
  'kid __proto__': withHeader({ kid: '__proto__' }),
  'an embedded jwk': forge(foreign, { ...HEADER, jwk }, CLAIMS),
  'an embedded jwk beside a good signature': withHeader({ jwk }),
  'a jku': withHeader({ jku: 'http://127.0.0.1:1/jwks.json' }),
  'an x5u': withHeader({ x5u: 'http://127.0.0.1:1/cert.pem' }),
  'an x5c': withHeader({ x5c: ['AA=='] }),
  'an unknown crit': withHeader({ crit: ['exp'] }),
  'crit b64 false': withHeader({ crit: ['b64'], b64: false }),
  'zip DEF': withHeader({ zip: 'DEF' }),
  'typ JWT': withHeader({ typ: 'JWT' }),
  'typ server+jwt': withHeader({ typ: 'server+jwt' }),
  'typ AT+JWT': withHeader({ typ: 'AT+JWT' }),
  'no typ': forge(key, { alg: 'ES256', kid: 'k1' }, CLAIMS),
  'cty JWT': withHeader({ cty: 'JWT' }),
  'a header that is a list': forge(key, [], CLAIMS),
  'a header that is null': forge(key, 'null', CLAIMS),
  'a header that is not JSON': forge(key, '{"alg"', CLAIMS),
  'no iss': forge(key, HEADER, without('iss')),
  'another iss': withClaims({ iss: 'somebody' }),
  'an empty iss': withClaims({ iss: '' }),
  'iss as a list': withClaims({ iss: [ISSUER] }),
  'no aud': forge(key, HEADER, without('aud')),
  'an empty aud': withClaims({ aud: '' }),
  'another aud': withClaims({ aud: 'warren-server' }),
  'aud as a list that holds ours': withClaims({ aud: ['warren-gateway', 'other'] }),
  'no sub': forge(key, HEADER, without('sub')),
  'sub as a number': withClaims({ sub: 7 }),
  'sub as an object': withClaims({ sub: { id: ACCOUNT } }),
  'sub as a list': withClaims({ sub: [ACCOUNT] }),
  'sub that is no uuid': withClaims({ sub: 'admin' }),
  'sub in upper case': withClaims({ sub: ACCOUNT.toUpperCase() }),
  'no sid': forge(key, HEADER, without('sid')),
  'no jti': forge(key, HEADER, without('jti')),
  'no roles': forge(key, HEADER, without('roles')),
  'roles as text': withClaims({ roles: 'admin' }),
  'too many roles': withClaims({ roles: Array.from({ length: 17 }, (_, i) => `r${i}`) }),
  'no gen': forge(key, HEADER, without('gen')),
  'gen as text': withClaims({ gen: '0' }),
  'a negative gen': withClaims({ gen: -1 }),
  'a claim that we do not write': withClaims({ admin: true }),
  'no exp': forge(key, HEADER, without('exp')),
  'exp as text': withClaims({ exp: String(now + 600) }),
  'exp null': withClaims({ exp: null }),
  'a fractional exp': withClaims({ exp: now + 599.5 }),
  'exp in the past': withClaims({ iat: now - 700, nbf: now - 700, exp: now - 100 }),
  'exp in the far future': withClaims({ exp: now + 86_400 }),
  'exp beyond every date': withClaims({ exp: 1e300 }),
  'exp before iat': withClaims({ iat: now + 4, exp: now + 3 }),
  'no iat': forge(key, HEADER, without('iat')),
  'iat in 2096 with exp after it': withClaims({ iat: 3_976_000_000, exp: 3_976_000_600 }),
  'no nbf': forge(key, HEADER, without('nbf')),
  'nbf in the future': withClaims({ nbf: now + 60 }),
  'a payload that is a list': forge(key, HEADER, [CLAIMS]),
  'a payload that is text': forge(key, HEADER, '"text"'),
  'a payload that is null': forge(key, HEADER, 'null'),
  'a payload that is not JSON': forge(key, HEADER, '{'),
  'a payload of another token': `${goodHeader}.${Buffer.from(JSON.stringify({ ...CLAIMS, sub: newId() })).toString('base64url')}.${goodSignature}`,
  'an empty signature': `${goodHeader}.${goodPayload}.`,
  'a signature of zeros': `${goodHeader}.${goodPayload}.${'A'.repeat(86)}`,
  'a signature in DER': `${goodHeader}.${goodPayload}.${Buffer.alloc(71, 0x30).toString('base64url')}`,
  'two parts': `${goodHeader}.${goodPayload}`,
  'four parts': `${good}.${goodSignature}`,
  'five parts (JWE)': `${good}.AA.AA`,
  padding: `${goodHeader}=.${goodPayload}.${goodSignature}`,
  'a space before': ` ${good}`,
  'a line feed after': `${good}\n`,
  'the JSON form of JWS': JSON.stringify({ protected: goodHeader, payload: goodPayload, signature: goodSignature }),
  'an oversized payload': withClaims({ roles: ['x'.repeat(MAX_TOKEN_CHARS)] }),
  'an oversized header': forge(key, { ...HEADER, pad: 'x'.repeat(8_000_000) }, CLAIMS),
};

describe('an attack on the verifier', () => {
  it('has a control: the untouched token is accepted', async () => {
    await expect(verifier.verifyAccessToken(good)).resolves.toEqual(CLAIMS);
  });

  it.each(Object.entries(ATTACKS))('is refused: %s', async (_title, token) => {
    const started = performance.now();
    await expect(verifier.verifyAccessToken(token)).rejects.toMatchObject({ code: 'ACCESS_UNAUTHENTICATED' });
    expect(performance.now() - started).toBeLessThan(200);
  });

  it('is refused when the token is no text at all', async () => {
    for (const value of [null, 7, {}, [good]]) {
      // @ts-expect-error a caller without types
      await expect(verifier.verifyAccessToken(value)).rejects.toMatchObject({
        code: 'ACCESS_UNAUTHENTICATED',
      });
    }
  });

  it('gains nothing from the twin of a signature: other text, same jti and sid, so the same revocation', async () => {
    const other = twin(good);
    expect(other).not.toBe(good);
    const [a, b] = await Promise.all([verifier.verifyAccessToken(good), verifier.verifyAccessToken(other)]);
    expect([b.jti, b.sid]).toEqual([a.jti, a.sid]);
  });

  it('causes no more than one fetch of keys for all unknown kids above', () => {
    expect(source.fetches).toBeLessThanOrEqual(3);
  });
});
