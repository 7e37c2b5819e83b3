import { describe, expect, it } from 'vitest';
import { type Jwks, TokenSigner, TokenVerifier } from '../src/index.ts';
import {
  KEYS_FRESH_MS,
  KEYS_USABLE_MS,
  MAX_KEYS,
  MIN_REFRESH_INTERVAL_MS,
  RETRY_INTERVAL_MS,
} from '../src/key_cache.ts';
import { ACCOUNT, CountingSource, ISSUER, jwksOf, newKey, SESSION, StillClock, type TestKey } from './token_fixture.ts';

function setUp(...published: TestKey[]) {
  const clock = new StillClock();
  const source = new CountingSource(() => jwksOf(...published));
  const verifier = new TokenVerifier({ source, issuer: ISSUER, clock });
  const signer = new TokenSigner({ issuer: ISSUER, clock });
  const tokenBy = (key: TestKey) =>
    signer.signAccessToken(key, { sub: ACCOUNT, sid: SESSION, roles: [], gen: 0 }, 600).token;
  return { clock, source, verifier, tokenBy };
}

const refused = { code: 'ACCESS_UNAUTHENTICATED' };
const unavailable = { code: 'SERVICE_UNAVAILABLE', retryable: true };

describe('the key cache', () => {
  it('fetches once for many tokens at once', async () => {
    const key = newKey('k1');
    const { verifier, tokenBy, source } = setUp(key);
    await Promise.all(Array.from({ length: 20 }, () => verifier.verifyAccessToken(tokenBy(key))));
    expect(source.fetches).toBe(1);
  });

  it('fetches again for a kid that it does not know, so that a new key works at once', async () => {
    const [first, second] = [newKey('k1'), newKey('k2')];
    const { verifier, tokenBy, source, clock } = setUp(first);
    await verifier.verifyAccessToken(tokenBy(first));
    source.answer = () => jwksOf(first, second);
    clock.advance(MIN_REFRESH_INTERVAL_MS);
    await expect(verifier.verifyAccessToken(tokenBy(second))).resolves.toMatchObject({ sub: ACCOUNT });
    expect(source.fetches).toBe(2);
  });

  it('lets a flood of invented kids cause one fetch in the interval', async () => {
    const key = newKey('k1');
    const { verifier, tokenBy, source, clock } = setUp(key);
    await verifier.load();
    for (let i = 0; i < 50; i++) {
      await expect(verifier.verifyAccessToken(tokenBy({ ...key, kid: `invented-${i}` }))).rejects.toMatchObject(
        refused,
      );
    }
    expect(source.fetches).toBe(1);
    clock.advance(MIN_REFRESH_INTERVAL_MS);
    for (let i = 0; i < 50; i++) {
      await expect(verifier.verifyAccessToken(tokenBy({ ...key, kid: `invented-${i}` }))).rejects.toMatchObject(
        refused,
      );
    }
    expect(source.fetches).toBe(2);
  });

  it('says that the service is unavailable while no key could ever be fetched, and heals', async () => {
    const key = newKey('k1');
    const { verifier, tokenBy, source, clock } = setUp(key);
    source.answer = () => {
      throw new Error('down');
    };
    await expect(verifier.load()).rejects.toMatchObject(unavailable);
    await expect(verifier.verifyAccessToken(tokenBy(key))).rejects.toMatchObject(unavailable);
    expect(source.fetches).toBe(1);
    source.answer = () => jwksOf(key);
    clock.advance(RETRY_INTERVAL_MS);
    await expect(verifier.verifyAccessToken(tokenBy(key))).resolves.toMatchObject({ sub: ACCOUNT });
  });

  it('goes on with known keys while the source is down, for an hour at most', async () => {
    const key = newKey('k1');
    const { verifier, tokenBy, source, clock } = setUp(key);
    await verifier.load();
    source.answer = () => {
      throw new Error('down');
    };
    clock.advance(KEYS_USABLE_MS - 1);
    await expect(verifier.verifyAccessToken(tokenBy(key))).resolves.toMatchObject({ sub: ACCOUNT });
    clock.advance(MIN_REFRESH_INTERVAL_MS);
    await expect(verifier.verifyAccessToken(tokenBy(key))).rejects.toMatchObject(unavailable);
  });

  it('stops believing a withdrawn key, also for a token that it remembers', async () => {
    const [old, next] = [newKey('k1'), newKey('k2')];
    const { verifier, tokenBy, source, clock } = setUp(old);
    await verifier.load();
    clock.advance(KEYS_FRESH_MS);
    const token = tokenBy(old);
    source.answer = () => jwksOf(next);
    await verifier.verifyAccessToken(token);
    await verifier.load();
    await expect(verifier.verifyAccessToken(token)).rejects.toMatchObject(refused);
  });

  it('keeps its keys when the source answers nonsense, too many keys or one kid twice', async () => {
    const key = newKey('k1');
    const { verifier, tokenBy, source } = setUp(key);
    await verifier.load();
    const many = Array.from({ length: MAX_KEYS + 1 }, (_, i) => newKey(`k${i}`));
    const symmetric: unknown = { keys: [{ kty: 'oct', k: 'AA', kid: 'k1' }] };
    const answers = [jwksOf(...many), jwksOf(key, key), symmetric as Jwks];
    for (const answer of answers) {
      source.answer = () => answer;
      await expect(verifier.load()).rejects.toMatchObject(unavailable);
      await expect(verifier.verifyAccessToken(tokenBy(key))).resolves.toMatchObject({ sub: ACCOUNT });
    }
  });
});
