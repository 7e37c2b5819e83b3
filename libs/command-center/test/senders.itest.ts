import { randomUUID } from 'node:crypto';
import { brokerDefinitions, brokerPrefixes, EXCHANGE } from '@warren/rabbit';
import { importIntoVhost } from '@warren/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Kit, nextOf, PLAYER_WORK, WORK } from './kit.ts';

const PASSWORD = 'a-password-for-tests';

let kit: Kit;
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
  gateway = await kit.caller('gateway', urlOf('gateway'));
  coordinator = await kit.caller('coordinator', urlOf('coordinator'));
});

afterAll(() => kit.close());

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
