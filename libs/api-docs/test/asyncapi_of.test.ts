import { CONTRACTS, defineEvent, EVENTS, RequestFrame, ServerFrame, serviceOf } from '@warren/contracts';
import { queuesOf, SERVICES, userSpecs } from '@warren/rabbit';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { asyncApiOf, clientAsyncApiOf } from '../src/index.ts';

const INFO = { title: 'T', version: '1', description: 'D' };
const WORLD = { contracts: CONTRACTS, events: EVENTS, services: SERVICES };
const document = asyncApiOf(INFO, WORLD);
const client = clientAsyncApiOf(INFO, CONTRACTS, EVENTS);
const operations = Object.values(document.operations);
const last = ({ $ref }: { readonly $ref: string }): string => $ref.slice($ref.lastIndexOf('/') + 1);

const exampleOf = (id: string): unknown => document.components.messages[id]?.examples?.[0]?.payload;

test.for(CONTRACTS.map((contract) => [contract.name, contract] as const))(
  '%s is answered by its service for exactly those who may send it',
  ([name, { ways, access, exposure }]) => {
    const about = operations.filter((one) => one['x-subject'] === name && ['rpc', 'command'].includes(one['x-kind']));
    const owners = about.filter(({ action }) => action === 'receive');
    expect(owners.map((one) => one['x-kind']).sort()).toEqual([...ways].sort());
    expect(new Set(owners.map((one) => one['x-service']))).toEqual(new Set([serviceOf(name)]));
    const senders = about
      .filter((one) => one.action === 'send' && one['x-kind'] === 'rpc')
      .map((one) => one['x-service']);
    const allowed = [
      ...(exposure === 'public' ? ['gateway'] : []),
      ...(access.kind === 'service' ? access.callers : []),
    ];
    expect(senders.sort()).toEqual(ways.includes('rpc') ? allowed.sort() : []);
  },
);

test.for(CONTRACTS.filter(({ ways }) => ways.includes('rpc')).map((contract) => [contract.name, contract] as const))(
  'the messages of %s carry its type, version, payloads and errors',
  ([name, { version, dto, reply, errors }]) => {
    const { messages } = document.components;
    expect(messages[name]?.bindings).toMatchObject({ amqp: { messageType: `${name}@${version}` } });
    expect(dto.safeParse(exampleOf(name)).error?.issues).toBeUndefined();
    expect(reply.safeParse(exampleOf(`${name}.reply`)).error?.issues).toBeUndefined();
    expect(messages[`${name}.error`]?.['x-error-codes']).toEqual(expect.arrayContaining(Object.keys(errors)));
  },
);

test.for(EVENTS.map((event) => [event.name, event] as const))(
  '%s is published by its service and heard by whom the topology names',
  ([name, { client: type, payload }]) => {
    const about = operations.filter((one) => one['x-subject'] === name);
    const sent = about.filter(({ action }) => action === 'send').map((one) => `${one['x-kind']} ${one['x-service']}`);
    const service = serviceOf(name);
    expect(sent.sort()).toEqual(
      type === undefined ? [`event ${service}`] : ['client_event gateway', `push ${service}`],
    );
    const hearers = SERVICES.filter(({ events }) => Object.values(events).flat().includes(name));
    const heard = about.filter(({ action }) => action === 'receive').map((one) => one['x-service']);
    expect(heard).toEqual(hearers.map(({ prefix }) => prefix));
    if (type === undefined) expect(payload.safeParse(exampleOf(name)).success).toBe(true);
    else expect(ServerFrame.parse(exampleOf(`event.${type}`))).toMatchObject({ type });
  },
);

test('an event that is pushed and subscribed to travels both ways', () => {
  const event = defineEvent({
    name: 'allocator.lease_lost',
    summary: 'Lost.',
    client: 'server.lost',
    payload: z.object({ n: z.int() }),
  });
  const made = asyncApiOf(INFO, { contracts: [], events: [event], services: SERVICES });
  expect(Object.keys(made.operations)).toEqual(
    expect.arrayContaining([
      'send.event.allocator.lease_lost',
      'receive.event.allocator.lease_lost.by_coordinator.leases',
      'send.push.allocator.lease_lost',
      'servers.send.server.lost',
    ]),
  );
});

test('every queue of the topology stands in the document with its arguments', () => {
  const channels = Object.values(document.channels);
  for (const queue of SERVICES.flatMap(queuesOf)) {
    const address = queue.name.replace(/^gateway\.push\.\d\d$/, 'gateway.push.{partition}');
    const found = channels.find((channel) => channel.address === address && channel['x-queue'] !== undefined);
    expect(found?.['x-queue'], queue.name).toMatchObject({
      type: queue.arguments['x-queue-type'],
      arguments: queue.arguments,
    });
    expect(found?.bindings, queue.name).toMatchObject({ amqp: { is: 'queue', queue: { durable: queue.durable } } });
  }
});

test('every operation on the broker needs the login of its service, and every login has its rights beside it', () => {
  const onBroker = operations.filter(({ channel }) => !last(channel).startsWith('socket.'));
  expect(onBroker.length).toBeGreaterThan(CONTRACTS.length);
  for (const one of onBroker) expect(one.security?.map(last)).toEqual([`broker_${one['x-service']}`]);
  for (const { prefix, write } of userSpecs('')) {
    expect(document.components.securitySchemes[`broker_${prefix}`]?.['description']).toContain(write);
  }
});

test('the public document is what the whole one says of the WebSockets, and names nothing behind the gateway', () => {
  for (const [id, operation] of Object.entries(client.operations)) expect(document.operations[id]).toEqual(operation);
  expect(Object.keys(client.servers)).toEqual(['gateway']);
  expect(Object.values(client.channels).map(({ address }) => address)).toEqual(['/v1/ws', '/v1/servers/ws']);
  const text = JSON.stringify(client);
  for (const hidden of [
    'warren.rpc',
    'amqp',
    'broker_',
    'x-queue',
    'validate_token',
    'assign_game',
    'issue_join_ticket',
  ]) {
    expect(text, hidden).not.toContain(hidden);
  }
});

test('a client may send every frame of the examples, and knows every frame that it is sent', () => {
  const requests = Object.entries(client.components.messages).filter(([id]) =>
    /^request\..+(?<!\.ok|\.refused)$/.test(id),
  );
  expect(requests.length).toBeGreaterThan(5);
  for (const [id] of requests) expect(RequestFrame.safeParse(exampleOf(id)).error?.issues, id).toBeUndefined();
  const sent = Object.keys(client.components.messages).filter((id) =>
    /^(event\.|request\..+(\.ok|\.refused)$)/.test(id),
  );
  for (const id of [...sent, 'frame.welcome', 'frame.gap', 'frame.resumed', 'frame.goodbye', 'frame.fault']) {
    expect(ServerFrame.safeParse(exampleOf(id)).error?.issues, id).toBeUndefined();
  }
});

test('players and game servers are told what is theirs', () => {
  const told = (door: string): string[] =>
    Object.entries(client.operations).flatMap(([id, one]) =>
      id.startsWith(`${door}.`) && one['x-kind'] === 'client_event' ? [one.messages.map(last).join()] : [],
    );
  const typesWith = (isTheirs: (type: string) => boolean): string[] =>
    EVENTS.flatMap(({ client: type = '' }) => (type !== '' && isTheirs(type) ? [`event.${type}`] : []));
  expect(told('players').sort()).toEqual(typesWith((type) => !type.startsWith('server.')).sort());
  expect(told('servers').sort()).toEqual(typesWith((type) => type.startsWith('server.')).sort());
});

test('the order of contracts and events does not change the document', () => {
  const turned = asyncApiOf(INFO, { ...WORLD, contracts: CONTRACTS.toReversed(), events: EVENTS.toReversed() });
  expect(Object.keys(turned.operations)).toEqual(Object.keys(document.operations));
  expect(turned.components).toEqual(document.components);
});
