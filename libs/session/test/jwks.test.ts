import type { Contract, JwksReply, ReplyOf } from '@warren/contracts';
import { AppError, systemClock } from '@warren/kernel';
import { expect, test } from 'vitest';
import { RpcJwks } from '../src/caller/jwks.ts';

const KEYS: JwksReply = { keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'k', alg: 'ES256', use: 'sig' }] };

/** auth-svc as the gateway sees it: answers, or is away when told so. */
class Auth {
  asked = 0;
  away = false;

  async call<C extends Contract>(contract: C): Promise<ReplyOf<C>> {
    this.asked++;
    await Promise.resolve();
    if (this.away) throw new AppError('SERVICE_UNAVAILABLE', 'Away.', { kind: 'unavailable', retryable: true });
    return JSON.parse(JSON.stringify(contract.reply.parse(KEYS))) as ReplyOf<C>;
  }
}

function make() {
  const auth = new Auth();
  const time = { now: 0 };
  return { auth, time, jwks: new RpcJwks({ rpc: auth, clock: { ...systemClock, monotonicMs: () => time.now } }) };
}

test('Callers that ask for the public keys at once cost one call, and a minute of callers no further one', async () => {
  const { auth, time, jwks } = make();
  const replies = await Promise.all(Array.from({ length: 50 }, () => jwks.published()));
  expect(replies).toEqual(Array.from({ length: 50 }, () => KEYS));
  time.now = 59_000;
  await jwks.published();
  expect(auth.asked).toBe(1);
  time.now = 60_000;
  await jwks.published();
  expect(auth.asked).toBe(2);
});

test('While auth-svc is away old keys are given out and it is asked once a second, however many callers there are', async () => {
  const { auth, time, jwks } = make();
  await jwks.published();
  auth.away = true;
  time.now = 61_000;
  for (let i = 0; i < 50; i++) expect(await jwks.published()).toEqual(KEYS);
  expect(auth.asked).toBe(2);
  time.now = 62_000;
  expect(await jwks.published()).toEqual(KEYS);
  expect(auth.asked).toBe(3);
});

test('Without any keys a caller is told that the service is away', async () => {
  const { auth, jwks } = make();
  auth.away = true;
  await expect(jwks.published()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
});
