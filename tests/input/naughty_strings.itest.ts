import { TicketReply } from '@warren/contracts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { naughtyStrings } from './support/corpora.ts';
import { type Answer, faultOf, HttpCaller, problemOf } from './support/http_caller.ts';
import { logIn, newLogin, newPlayer, readAccount, registration } from './support/players.ts';
import { Tally } from './support/tally.ts';
import { WatchedSystem } from './support/watched_system.ts';

const MAX_HELD_MS = 100;
/** Registrations at once: each keeps a core busy with hashing, so that more would only wait for each other. */
const AT_ONCE = 3;

const tally = new Tally();
let watched: WatchedSystem;
let caller: HttpCaller;

beforeAll(async () => {
  watched = await WatchedSystem.start();
  caller = new HttpCaller(watched.url);
}, 180_000);

afterAll(async () => {
  tally.print();
  caller.close();
  expect(await watched.stop()).toEqual([]);
}, 60_000);

/** Runs `work` on every string, some at once; resolves to the sentences about what went wrong. */
async function onEach(
  strings: readonly string[],
  work: (text: string) => Promise<string | undefined>,
): Promise<string[]> {
  const queue = strings.values();
  const faults: string[] = [];
  const run = async (): Promise<void> => {
    for (const text of queue) {
      const fault = await work(text);
      if (fault !== undefined) faults.push(`${JSON.stringify(text)}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  return faults;
}

/** The fields that a refusal names. */
const fieldsOf = (answer: Answer): string[] => problemOf(answer).fields?.map(({ path }) => path) ?? [];

interface Registered {
  readonly login: string;
  readonly displayName: string;
}

/** After a 201 the owner logs in with the same text and reads back what was sent. */
async function readsBack({ login, displayName }: Registered): Promise<string | undefined> {
  const account = await readAccount(caller, await logIn(caller, login));
  if (account.login !== login) return `the login reads ${JSON.stringify(account.login)}`;
  return account.display_name === displayName ? undefined : `the name reads ${JSON.stringify(account.display_name)}`;
}

/** Registers and, where that succeeds, reads back. Resolves to the fields that were refused. @throws Error with the fault */
async function register(group: string, account: Registered): Promise<readonly string[]> {
  const answer = await caller.json('/v1/auth/register', registration(account.login, account.displayName));
  tally.count(group, answer.status);
  const fault = faultOf(answer) ?? (answer.status === 201 ? await readsBack(account) : wrongRefusal(account, answer));
  if (fault !== undefined) throw new Error(fault);
  return answer.status === 201 ? [] : fieldsOf(answer);
}

function wrongRefusal(account: Registered, answer: Answer): string | undefined {
  const fields = fieldsOf(answer);
  const sent = [account.login, account.displayName];
  const known = fields.every((field) => (field === 'login' || field === 'display_name') && sent.some(isNaughty));
  if (!known || fields.length === 0) return `${answer.status} ${answer.body}`;
  if (answer.status === 400) return undefined;
  // the list holds the same login more than once, such as "true" and "TRUE"
  const same = strings.filter((other) => folded(other) === folded(account.login));
  return answer.status === 409 && same.length > 1 ? undefined : `${answer.status} ${answer.body}`;
}

const strings = naughtyStrings();
const isNaughty = (text: string): boolean => strings.includes(text);
const folded = (text: string): string =>
  text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC').replace(/\s+/gu, ' ');

/** As both fields at once, and where one is refused, the other by itself. */
async function registerBoth(text: string): Promise<string | undefined> {
  try {
    const refused = await register('register, both fields', { login: text, displayName: text });
    if (refused.length !== 1) return undefined;
    if (refused[0] === 'login')
      await register('register, display_name alone', { login: newLogin(), displayName: text });
    else await register('register, login alone', { login: text, displayName: 'A player' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('every naughty string is a login that works and a display name, both read back identical, or is refused by the name of the field', {
  timeout: 150_000,
}, async () => {
  expect(await onEach(strings, registerBoth)).toEqual([]);
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});

async function takeTicket(token: string, tag: string): Promise<string | undefined> {
  const answer = await caller.json('/v1/tickets', { mode: 'duel', client_tag: tag }, token);
  tally.count('tickets.client_tag', answer.status);
  const fault = faultOf(answer);
  if (fault !== undefined) return fault;
  if (answer.status === 400) return fieldsOf(answer).join() === 'client_tag' ? undefined : answer.body;
  if (answer.status !== 201) return `${answer.status} ${answer.body}`;
  const made = TicketReply.parse(JSON.parse(answer.body));
  const read = TicketReply.parse(JSON.parse((await caller.get(`/v1/tickets/${made.ticket_id}`, token)).body));
  await caller.json(`/v1/tickets/${made.ticket_id}/cancel`, {}, token);
  return made.client_tag === tag && read.client_tag === tag ? undefined : `reads ${JSON.stringify(read.client_tag)}`;
}

test('every naughty string is a tag of a ticket that reads back identical, or is refused by the name of the field', {
  timeout: 120_000,
}, async () => {
  const token = await newPlayer(caller);
  const faults: string[] = [];
  // one after the other, because a player has one ticket at a time, and two players would be matched
  for (const text of strings) {
    const fault = await takeTicket(token, text);
    if (fault !== undefined) faults.push(`${JSON.stringify(text)}: ${fault}`);
  }
  expect(faults).toEqual([]);
  expect(await watched.faults(MAX_HELD_MS)).toEqual([]);
});
