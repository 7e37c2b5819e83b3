import { randomUUID } from 'node:crypto';
import { AccountReply, TokensReply } from '@warren/contracts';
import type { HttpCaller } from './http_caller.ts';

const PASSWORD = 'Violet-Harbor-7391-quiet';

export const registration = (login: string, displayName: string): Record<string, string> => ({
  login,
  password: PASSWORD,
  display_name: displayName,
});

export const newLogin = (): string => `player-${randomUUID()}`;

/** Logs in and gives the access token. @throws Error with the answer */
export async function logIn(caller: HttpCaller, login: string): Promise<string> {
  const answer = await caller.json('/v1/auth/login', { login, password: PASSWORD });
  if (answer.status !== 200) throw new Error(`login: ${answer.status} ${answer.body}`);
  return TokensReply.parse(JSON.parse(answer.body)).access_token;
}

/** A player of the test's own, logged in. */
export async function newPlayer(caller: HttpCaller): Promise<string> {
  const login = newLogin();
  const answer = await caller.json('/v1/auth/register', registration(login, 'A player'));
  if (answer.status !== 201) throw new Error(`register: ${answer.status} ${answer.body}`);
  return logIn(caller, login);
}

/** The account as its owner reads it. */
export async function readAccount(caller: HttpCaller, token: string): Promise<AccountReply> {
  return AccountReply.parse(JSON.parse((await caller.get('/v1/me', token)).body));
}
