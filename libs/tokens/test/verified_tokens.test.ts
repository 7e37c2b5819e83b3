import { newId } from '@warren/kernel';
import { describe, expect, it } from 'vitest';
import { MAX_VERIFIED_TOKENS, VerifiedTokens } from '../src/verified_tokens.ts';
import { ACCOUNT, ISSUER, SESSION } from './token_fixture.ts';

const entry = {
  kid: 'k1',
  claims: {
    iss: ISSUER,
    aud: 'a',
    sub: ACCOUNT,
    sid: SESSION,
    roles: [],
    gen: 0,
    jti: newId(),
    iat: 0,
    nbf: 0,
    exp: 1,
  },
};

describe('the remembered tokens', () => {
  it('stay within their bound and forget the least recently used first', () => {
    const tokens = new VerifiedTokens();
    for (let i = 0; i < MAX_VERIFIED_TOKENS; i++) tokens.add(`t${i}`, entry);
    expect(tokens.get('t0')).toBe(entry);
    tokens.add('one more', entry);
    expect(tokens.size).toBe(MAX_VERIFIED_TOKENS);
    expect(tokens.get('t0')).toBe(entry);
    expect(tokens.get('t1')).toBeUndefined();
  });
});
