import { CREATE_TICKET, GET_ACCOUNT, WarrenClient } from '@warren/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultGateway, problem, sequence } from './support/fault_gateway.ts';

const ID = '7d1f6b7e-2b3c-4f5a-8a9b-0c1d2e3f4a5b';
const ACCOUNT = {
  account_id: ID,
  login: 'ann',
  display_name: 'Ann',
  roles: [],
  created_at: '2026-01-01T00:00:00.000Z',
};
const tokens = (n: number, expiresIn = 600): object => ({
  account_id: ID,
  token_type: 'Bearer',
  access_token: `access-${n}`,
  expires_in: expiresIn,
  refresh_token: `refresh-${n}`.padEnd(24, 'x'),
  refresh_expires_in: 3_600,
});
const REGISTER = '/v1/auth/register';
const LOGIN = '/v1/auth/login';
const REFRESH = '/v1/auth/refresh';
const ME = '/v1/me';

let gateway: FaultGateway;
let client: WarrenClient;

beforeEach(async () => {
  gateway = await FaultGateway.start();
  client = new WarrenClient({ baseUrl: gateway.url, retryForMs: 5_000 });
});
afterEach(() => gateway.stop());

const logIn = async (expiresIn = 600): Promise<void> => {
  gateway.on(LOGIN, () => ({ body: tokens(1, expiresIn) }));
  await client.login('ann', 'a good password');
};

describe('a call', () => {
  it('is retried with the same key until it succeeds, whatever goes wrong on the way', async () => {
    const answers = [
      { cut: true },
      problem(503, 'SERVICE_UNAVAILABLE', true),
      { status: 502, body: '<html>bad gateway' },
    ] as const;
    gateway.on(
      REGISTER,
      sequence(...answers, { status: 200, body: '<html>captive portal' }, { status: 201, body: ACCOUNT }),
    );
    await expect(client.register('ann', 'a good password', 'Ann')).resolves.toMatchObject({ login: 'ann' });
    const keys = gateway.to(REGISTER).map(({ key }) => key);
    expect(keys).toHaveLength(5);
    expect(new Set(keys).size).toBe(1);
  });

  it('waits as long as Retry-After says, and not at all when that is longer than it may take', async () => {
    const busy = { ...problem(429, 'RATE_LIMITED', true), headers: { 'retry-after': '1' } };
    gateway.on(REGISTER, sequence(busy, { status: 201, body: ACCOUNT }));
    await client.register('ann', 'a good password', 'Ann');
    const [first, second] = gateway.to(REGISTER);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(990);
    gateway.on(REGISTER, () => ({ ...busy, headers: { 'retry-after': '3600' } }));
    const from = performance.now();
    await expect(client.register('ann', 'a good password', 'Ann')).rejects.toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterSeconds: 60,
    });
    expect(performance.now() - from).toBeLessThan(1_000);
  });

  it('ends in a typed error: code, status and fields of the problem, once', async () => {
    const { status, body } = problem(409, 'AUTH_LOGIN_TAKEN');
    gateway.on(REGISTER, () => ({
      status: status ?? 0,
      body: { ...Object(body), fields: [{ path: 'login', message: 'is taken' }] },
    }));
    const error = {
      name: 'WarrenError',
      code: 'AUTH_LOGIN_TAKEN',
      status: 409,
      retryable: false,
      fields: [{ path: 'login', message: 'is taken' }],
    };
    await expect(client.register('ann', 'a good password', 'Ann')).rejects.toMatchObject(error);
    expect(gateway.to(REGISTER)).toHaveLength(1);
  });

  it.each([
    ['a reply of another shape', { status: 201, body: { nothing: true } }, 'REPLY_UNEXPECTED'],
    ['a page of a proxy', { status: 404, body: '<html>' }, 'HTTP_UNEXPECTED'],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'NETWORK_FAILED'],
    ['an answer without end', { status: 201, body: 'x'.repeat(9_000_000) }, 'HTTP_UNEXPECTED'],
  ])('is not fooled by %s', async (_title, answer, code) => {
    gateway.on(REGISTER, () => answer);
    await expect(client.register('ann', 'a good password', 'Ann', { retryForMs: 0 })).rejects.toMatchObject({ code });
  });

  it('ends at once when its signal is aborted, while it waits for an answer and between two tries', async () => {
    for (const answer of [
      { hang: true },
      { ...problem(503, 'SERVICE_UNAVAILABLE', true), headers: { 'retry-after': '4' } },
    ] as const) {
      gateway.on(REGISTER, () => answer);
      const stop = new AbortController();
      const call = client.register('ann', 'a good password', 'Ann', { signal: stop.signal });
      setTimeout(() => stop.abort(), 100);
      const from = performance.now();
      await expect(call).rejects.toMatchObject({ code: 'CALL_ABORTED', retryable: false });
      expect(performance.now() - from).toBeLessThan(1_000);
    }
  });

  it('cannot be led to another address by what stands in its path', async () => {
    await logIn();
    await expect(client.match('..')).rejects.toThrow(TypeError);
    expect(gateway.calls.map(({ path }) => path)).toEqual([LOGIN]);
  });
});

describe('a login', () => {
  it('is refreshed once for many calls at a time, ahead of its end', async () => {
    await logIn(10);
    gateway.on(REFRESH, () => ({ body: tokens(2) }));
    gateway.on(ME, () => ({ body: ACCOUNT }));
    await Promise.all(Array.from({ length: 20 }, () => client.me()));
    expect(gateway.to(REFRESH)).toHaveLength(1);
    expect(new Set(gateway.to(ME).map(({ token }) => token))).toEqual(new Set(['access-2']));
  });

  it('is refreshed when the gateway refuses its token, and the call repeated once with the same key', async () => {
    await logIn();
    gateway.on(REFRESH, () => ({ body: tokens(2) }));
    gateway.on('/v1/tickets', ({ token }) =>
      token === 'access-2'
        ? {
            status: 201,
            body: {
              ticket_id: ID,
              mode: 'duel',
              client_tag: '',
              state: 'active',
              game_id: null,
              created_at: ACCOUNT.created_at,
            },
          }
        : problem(401, 'ACCESS_UNAUTHENTICATED'),
    );
    await expect(client.call(CREATE_TICKET, { mode: 'duel' })).resolves.toMatchObject({ state: 'active' });
    const keys = gateway.to('/v1/tickets').map(({ key }) => key);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    gateway.on('/v1/me', () => problem(401, 'ACCESS_UNAUTHENTICATED'));
    await expect(client.call(GET_ACCOUNT, {})).rejects.toMatchObject({ code: 'ACCESS_UNAUTHENTICATED' });
    expect(gateway.to(ME)).toHaveLength(2);
  });

  it('outlives an outage of the refresh as long as its token is valid', async () => {
    await logIn(20);
    client = new WarrenClient({ baseUrl: gateway.url, retryForMs: 0 });
    await logIn(20);
    gateway.on(REFRESH, () => problem(503, 'SERVICE_UNAVAILABLE', true));
    await expect(client.accessToken()).resolves.toBe('access-1');
    await expect(client.accessToken('access-1')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });

  it('that is refused for good is over, and what is stored of it too', async () => {
    const stored: unknown[] = [];
    client = new WarrenClient({ baseUrl: gateway.url, onTokens: (value) => stored.push(value) });
    await logIn(10);
    gateway.on(REFRESH, () => problem(401, 'AUTH_REFRESH_REFUSED'));
    await expect(client.me()).rejects.toMatchObject({ code: 'AUTH_REFRESH_REFUSED' });
    await expect(client.me()).rejects.toMatchObject({ code: 'NOT_LOGGED_IN' });
    expect(stored).toEqual([{ account_id: ID, refresh_token: 'refresh-1'.padEnd(24, 'x') }, undefined]);
  });

  it('goes on after a restart of the program with what was stored', async () => {
    const earlier = { account_id: ID, refresh_token: 'refresh-0'.padEnd(24, 'x') };
    client = new WarrenClient({ baseUrl: gateway.url, tokens: earlier });
    gateway.on(REFRESH, () => ({ body: tokens(2) }));
    gateway.on(ME, () => ({ body: ACCOUNT }));
    await client.me();
    expect(client.accountId).toBe(ID);
    expect(gateway.to(REFRESH)[0]?.body).toEqual({ refresh_token: earlier.refresh_token });
  });

  it('is not brought back by a refresh that ends after the logout', async () => {
    await logIn(10);
    let answer = (): void => undefined;
    gateway.on(REFRESH, () => ({ body: tokens(2) }));
    gateway.on('/v1/auth/logout', () => ({ body: { logged_out: true } }));
    const late = new Promise<void>((resolve) => {
      answer = resolve;
    });
    client = new WarrenClient({
      baseUrl: gateway.url,
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        if (response.url.endsWith(REFRESH)) await late;
        return response;
      },
    });
    await logIn(10);
    const token = client.accessToken();
    await new Promise((resolve) => setTimeout(resolve, 100));
    gateway.on(LOGIN, () => ({ body: tokens(7) }));
    await client.login('bob', 'a good password');
    answer();
    await expect(token).resolves.toBe('access-7');
  });
});
