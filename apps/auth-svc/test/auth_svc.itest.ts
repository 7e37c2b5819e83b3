import { randomBytes } from 'node:crypto';
import { createServiceApp } from '@warren/app';
import { GET_ACCOUNT, GET_JWKS, LOGIN, LOGOUT, REFRESH, REGISTER } from '@warren/contracts';
import { newId } from '@warren/kernel';
import type { Actor } from '@warren/rabbit';
import { ServiceKit } from '@warren/service-kit';
import { TokenVerifier } from '@warren/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authService } from '../src/service.ts';

const PASSWORD = 'seven lazy foxes';
const actor: Actor = { kind: 'anonymous' };
let kit: ServiceKit;

beforeAll(async () => {
  kit = await ServiceKit.start(authService, { replicas: 2 });
});

afterAll(async () => {
  expect(await kit.stop()).toBe(true);
});

describe('auth-svc on a real broker', () => {
  it('takes a player from registration to logout, with two replicas that started at once', async () => {
    const account = await kit.call(REGISTER, { login: 'Ann', password: PASSWORD, display_name: 'Ann' }, { actor });
    const tokens = await kit.call(LOGIN, { login: 'ann', password: PASSWORD }, { actor });
    expect(tokens.account_id).toBe(account.account_id);
    const verifier = new TokenVerifier({ source: { fetchKeys: () => kit.call(GET_JWKS, {}) }, issuer: 'warren' });
    const claims = await verifier.verifyAccessToken(tokens.access_token);
    const ann: Actor = { kind: 'player', id: claims.sub, sessionId: claims.sid, roles: claims.roles };
    expect(await kit.call(GET_ACCOUNT, {}, { actor: ann })).toEqual(account);
    const next = await kit.call(REFRESH, { refresh_token: tokens.refresh_token }, { actor });
    expect(await kit.call(LOGOUT, {}, { actor: ann })).toEqual({ logged_out: true });
    await expect(kit.call(REFRESH, { refresh_token: next.refresh_token }, { actor })).rejects.toMatchObject({
      code: 'AUTH_REFRESH_REFUSED',
    });
  });

  it('answers a repeated registration with the stored reply, whichever replica gets it', async () => {
    const dto = { login: 'Twice', password: PASSWORD, display_name: 'Twice' };
    const messageId = newId();
    const replies = [];
    for (let i = 0; i < 4; i++) replies.push(await kit.call(REGISTER, dto, { actor, messageId }));
    for (const reply of replies) expect(reply).toEqual(replies[0]);
    await expect(kit.call(REGISTER, dto, { actor })).rejects.toMatchObject({
      code: 'AUTH_LOGIN_TAKEN',
      fields: [{ path: 'login' }],
    });
  });

  it('tells its keys to the services that may ask, and to nobody else', async () => {
    expect((await kit.call(GET_JWKS, {}, { from: 'coordinator' })).keys.length).toBeGreaterThan(0);
    await expect(kit.call(GET_JWKS, {}, { actor })).rejects.toMatchObject({ code: 'ACCESS_FORBIDDEN' });
  });

  it('refuses to start with another AUTH_KEY_ENCRYPTION_KEY, in a sentence that names it', async () => {
    const other = { ...kit.env, AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const refused = await createServiceApp(authService, other).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'AUTH_SIGNING_KEY_UNREADABLE' });
    expect(String(refused)).toContain('AUTH_KEY_ENCRYPTION_KEY');
  });
});
