import { randomUUID } from 'node:crypto';
import { token } from '@warren/kernel';
import { brokerDefinitions, brokerPrefixes, EXCHANGE, type LinkSession } from '@warren/rabbit';
import { importIntoVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EventHandler, event } from '../src/index.ts';
import { broken, Kit, nextOf, PLAYER_WORK, until, WORK, WORK_DONE } from './kit.ts';
import { rawChannel } from './raw_channel.ts';

const PASSWORD = 'a-password-for-tests';

let kit: Kit;
const HEARD = token<EventHandler<{ text: string }>>('test.heard');
const heard: string[] = [];
const callers: { actor: unknown; caller: string }[] = [];
let gateway: Awaited<ReturnType<Kit['caller']>>;
let coordinator: Awaited<ReturnType<Kit['caller']>>;
const urlOf = (prefix: string): string => kit.vhost.urlFor(kit.vhost.userPrefix + prefix, PASSWORD);

beforeAll(async () => {
  kit = await Kit.open();
  const { userPrefix, name } = kit.vhost;
  const definitions = brokerDefinitions({
    vhost: name,
    userPrefix,
    passwords: Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'x'])),
  });
  await importIntoVhost(kit.vhost, {
    users: definitions.users.map((user) => ({ name: user.name, password: PASSWORD })),
    permissions: definitions.permissions,
    topic_permissions: definitions.topic_permissions,
  });
  kit.works.set('who', async (_dto, { command }) => {
    callers.push({ actor: command.actor, caller: command.caller });
    return { done: command.actor.kind };
  });
  kit.works.set('defect', async () => {
    throw new TypeError('a defect');
  });
  await kit.service({ url: urlOf('allocator') });
  await kit.service({
    prefix: 'coordinator',
    url: urlOf('coordinator'),
    registry: { commands: [], events: [event(WORK_DONE, 'leases', HEARD)] },
    container: (container) => container.value(HEARD, { apply: hear }),
  });
  gateway = await kit.caller('gateway', urlOf('gateway'));
  coordinator = await kit.caller('coordinator', urlOf('coordinator'));
});

afterAll(() => kit.close());

/** Hears of everything, of some only at the second time. */
async function hear({ text }: { text: string }): Promise<void> {
  heard.push(text);
  if (text === 'flaky' && heard.filter((other) => other === text).length === 1) throw broken();
}

/** Leads a message past the keys of a user: nobody is asked about the key under which a queue dead-letters. */
async function smuggle(prefix: string, exchange: string, key: string, body: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<LinkSession['openConfirmChannel']>>>();
  (await kit.link('publish', urlOf(prefix))).use(async (session) => resolve(await session.openConfirmChannel()));
  const channel = await promise;
  const way = `${prefix}.way`;
  const letters = { 'x-message-ttl': 0, 'x-dead-letter-exchange': exchange, 'x-dead-letter-routing-key': key };
  await channel.assertExchange(way, 'fanout', { durable: false });
  await channel.assertQueue(way, { durable: false, arguments: letters });
  await channel.bindQueue(way, way, '');
  const userId = kit.vhost.userPrefix + prefix;
  channel.publish(way, '', Buffer.from(body), {
    userId,
    messageId: randomUUID(),
    type: `${key}@1`,
    contentType: 'application/json',
    headers: { 'warren-origin-user': `${kit.vhost.userPrefix}allocator` },
  });
}

test('with the users of brokerDefinitions the service works: rights are neither too few nor shared', async () => {
  await expect(coordinator.rpc.call(WORK, { how: 'who' })).resolves.toMatchObject({ done: 'service' });
  expect(callers.at(-1)).toEqual({ actor: { kind: 'service', id: 'coordinator' }, caller: 'coordinator' });
});

test('the gateway speaks for players', async () => {
  const actor = { kind: 'player', id: 'p-1', sessionId: 's-1', roles: ['admin'] } as const;
  await expect(gateway.rpc.call(PLAYER_WORK, { how: 'who' }, { actor })).resolves.toMatchObject({ done: 'player' });
  expect(callers.at(-1)).toEqual({ actor, caller: 'gateway' });
});

test('another service that claims to speak for a player is refused', async () => {
  const actor = { kind: 'player', id: 'p-1', roles: [] } as const;
  await expect(coordinator.rpc.call(PLAYER_WORK, { how: 'who' }, { actor })).rejects.toMatchObject({
    code: 'ACCESS_FORBIDDEN',
  });
});

test('a forged actor is not believed: the service speaks for itself', async () => {
  const actor = { kind: 'server', id: 'arena-1' } as const;
  await expect(coordinator.rpc.call(WORK, { how: 'who' }, { actor })).resolves.toMatchObject({ done: 'service' });
  expect(callers.at(-1)).toEqual({ actor: { kind: 'service', id: 'coordinator' }, caller: 'coordinator' });
});

test('a service that the contract does not name is refused', async () => {
  await expect(gateway.rpc.call(WORK, { how: 'who' })).rejects.toMatchObject({ code: 'ACCESS_FORBIDDEN' });
});

test('a player without the actor headers is refused', async () => {
  await expect(gateway.rpc.call(PLAYER_WORK, { how: 'who' })).rejects.toMatchObject({ code: 'ACCESS_FORBIDDEN' });
});

test('a forged userId closes the sender’s channel and reaches nobody', async () => {
  const before = callers.length;
  const forger = await kit.caller('coordinator', urlOf('coordinator'));
  const options = { type: 'allocator.do_work@1', userId: `${kit.vhost.userPrefix}gateway` };
  await expect(forger.raw.publish(EXCHANGE.commands, WORK.name, '{"how":"who"}', options)).rejects.toThrow();
  expect(callers).toHaveLength(before);
});

test('a forged origin does not survive in the dead letters, from where it would be believed', async () => {
  const userId = `${kit.vhost.userPrefix}coordinator`;
  const headers = { 'warren-origin-user': `${kit.vhost.userPrefix}gateway`, 'warren-actor': 'player:p-1' };
  const messageId = randomUUID();
  await coordinator.raw.publish(EXCHANGE.commands, WORK.name, '{"how":"defect"}', {
    type: 'allocator.do_work@1',
    userId,
    headers,
    messageId,
  });
  const own = await kit.caller('allocator', kit.vhost.url);
  expect(await nextOf(own.raw, 'allocator.dead')).toMatchObject({
    messageId,
    userId: `${kit.vhost.userPrefix}allocator`,
    headers: { 'warren-origin-user': userId, 'warren-reason': 'defect' },
  });
});

test('a command without a user is nobody’s and is parked as forbidden', async () => {
  await coordinator.raw.publish(EXCHANGE.commands, WORK.name, '{"how":"who"}', { type: 'allocator.do_work@1' });
  const own = await kit.caller('allocator', kit.vhost.url);
  expect((await nextOf(own.raw, 'allocator.dead')).headers).toMatchObject({ 'warren-reason': 'forbidden' });
});

test('an event of anybody but its owner is parked as forbidden, also where no right on a key stopped it', async () => {
  await smuggle('auth', EXCHANGE.events, WORK_DONE.name, '{"text":"forged"}');
  const own = await kit.caller('coordinator', kit.vhost.url);
  const parked = await nextOf(own.raw, 'coordinator.dead');
  expect(parked.headers).toMatchObject({
    'warren-reason': 'forbidden',
    'warren-origin-user': `${kit.vhost.userPrefix}auth`,
  });
  expect(heard).toEqual([]);
});

test('an event of its owner is heard, also when it comes back from a delay tier', async () => {
  const owner = await rawChannel(await kit.link('publish', urlOf('allocator')));
  const properties = { type: `${WORK_DONE.name}@1`, userId: `${kit.vhost.userPrefix}allocator` };
  await owner.publish(EXCHANGE.events, WORK_DONE.name, '{"text":"flaky"}', properties);
  await until(() => heard.length === 2);
  expect(heard).toEqual(['flaky', 'flaky']);
});
