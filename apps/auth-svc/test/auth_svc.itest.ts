import { randomBytes } from 'node:crypto';
import { createServiceApp, type RunningService } from '@warren/app';
import { authMigrations } from '@warren/auth';
import { GET_ACCOUNT, GET_JWKS, LOGIN, LOGOUT, REFRESH, REGISTER } from '@warren/contracts';
import { newId, silentLogger } from '@warren/kernel';
import { migrate } from '@warren/postgres';
import { type Actor, declareExchanges, declareServiceTopology, RabbitLink, RpcClient } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { tempDatabase, tempVhost } from '@warren/testing';
import { TokenVerifier } from '@warren/tokens';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authService } from '../src/service.ts';

const PASSWORD = 'seven lazy foxes';
const anonymous: Actor = { kind: 'anonymous' };
const cleanUp: (() => Promise<unknown>)[] = [];
const replicas: RunningService[] = [];
let env: Record<string, string>;
let rpc: RpcClient;

/** The gateway's side of the broker; the user of the vhost stands for every service. */
async function connectGateway(url: string): Promise<RpcClient> {
  const common = { url, logger: silentLogger(), metrics: new Metrics('gateway') };
  const publishLink = new RabbitLink({ ...common, role: 'publish', name: 'test.publish' });
  const consumeLink = new RabbitLink({ ...common, role: 'consume', name: 'test.consume' });
  for (const link of [publishLink, consumeLink]) {
    link.start();
    cleanUp.unshift(() => link.stop());
    await link.ready(10_000);
  }
  await declareServiceTopology(consumeLink, 'gateway');
  const client = new RpcClient({
    ...common,
    publishLink,
    consumeLink,
    user: publishLink.user,
    prefix: 'gateway',
    instance: 'test',
  });
  await client.start();
  cleanUp.unshift(() => client.stop());
  return client;
}

beforeAll(async () => {
  const [vhost, database] = await Promise.all([tempVhost(), tempDatabase()]);
  cleanUp.push(
    () => database.drop(),
    () => vhost.drop(),
  );
  await declareExchanges(vhost.url);
  await migrate(database.url, authMigrations, { role: new URL(database.url).username });
  env = {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    AUTH_RABBITMQ_URL: vhost.url,
    AUTH_DATABASE_URL: database.url,
    IDEMPOTENCY_HMAC_KEY: randomBytes(32).toString('base64'),
    AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  };
  replicas.push(...(await Promise.all([createServiceApp(authService, env), createServiceApp(authService, env)])));
  rpc = await connectGateway(vhost.url);
});

afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  for (const undo of cleanUp) await undo();
});

describe('auth-svc on a real broker', () => {
  it('takes a player from registration to logout, with two replicas that started at once', async () => {
    const account = await rpc.call(
      REGISTER,
      { login: 'Ann', password: PASSWORD, display_name: 'Ann' },
      { actor: anonymous },
    );
    const tokens = await rpc.call(LOGIN, { login: 'ann', password: PASSWORD }, { actor: anonymous });
    expect(tokens.account_id).toBe(account.account_id);
    const verifier = new TokenVerifier({ source: { fetchKeys: () => rpc.call(GET_JWKS, {}) }, issuer: 'warren' });
    const claims = await verifier.verifyAccessToken(tokens.access_token);
    const actor: Actor = { kind: 'player', id: claims.sub, sessionId: claims.sid, roles: claims.roles };
    expect(await rpc.call(GET_ACCOUNT, {}, { actor })).toEqual(account);
    const next = await rpc.call(REFRESH, { refresh_token: tokens.refresh_token }, { actor: anonymous });
    expect(await rpc.call(LOGOUT, {}, { actor })).toEqual({ logged_out: true });
    await expect(rpc.call(REFRESH, { refresh_token: next.refresh_token }, { actor: anonymous })).rejects.toMatchObject({
      code: 'AUTH_REFRESH_REFUSED',
    });
  });

  it('answers a repeated registration with the stored reply, whichever replica gets it', async () => {
    const dto = { login: 'Twice', password: PASSWORD, display_name: 'Twice' };
    const messageId = newId();
    const replies = [];
    for (let i = 0; i < 4; i++) replies.push(await rpc.call(REGISTER, dto, { actor: anonymous, messageId }));
    for (const reply of replies) expect(reply).toEqual(replies[0]);
    await expect(rpc.call(REGISTER, dto, { actor: anonymous })).rejects.toMatchObject({
      code: 'AUTH_LOGIN_TAKEN',
      fields: [{ path: 'login' }],
    });
  });

  it('refuses to start with another AUTH_KEY_ENCRYPTION_KEY, in a sentence that names it', async () => {
    const other = { ...env, AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const refused = await createServiceApp(authService, other).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'AUTH_SIGNING_KEY_UNREADABLE' });
    expect(String(refused)).toContain('AUTH_KEY_ENCRYPTION_KEY');
  });
});
