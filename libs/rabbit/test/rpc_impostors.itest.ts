import { defineContract } from '@warren/contracts';
import { type TempVhost, tempVhost } from '@warren/testing';
import { type ConfirmChannel, connect } from 'amqplib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Delivery, EXCHANGE, type QueueSpec, queuesOf, type RpcClient, serviceSpec } from '../src/index.ts';
import { ECHO, Kit, until } from './kit.ts';
import { serviceUsers } from './service_users.ts';

const OF_ALLOCATOR = defineContract({ ...ECHO, name: 'allocator.echo' });
const FORGED = Buffer.from('{"text":"forged"}');

let vhost: TempVhost;
let kit: Kit;
let urlOf: (prefix: string) => string;
let gateway: RpcClient;

beforeEach(async () => {
  vhost = await tempVhost();
  urlOf = await serviceUsers(vhost);
  kit = new Kit(vhost.url);
  kit.defer(() => vhost.drop());
  gateway = await kit.client(await kit.link('publish', urlOf('gateway')));
});

afterEach(() => kit.close());

/** A service with its own user, which keeps the requests that it gets until `answer`. */
async function service(prefix: string): Promise<{ held: Delivery[]; answer: (delivery: Delivery) => void }> {
  const held: Delivery[] = [];
  const replier = kit.replier(await kit.link('publish', urlOf(prefix)));
  await kit.consumer(await kit.link('consume', urlOf(prefix)), rpcQueueOf(prefix), (delivery) => held.push(delivery));
  await until(() => replier.ready);
  const answer = (delivery: Delivery): void => {
    replier.reply(delivery, { ok: true, value: { text: 'true' } });
    delivery.ack();
  };
  return { held, answer };
}

function rpcQueueOf(prefix: string): QueueSpec {
  const queue = queuesOf(serviceSpec(prefix)).find(({ name }) => name === `${prefix}.rpc`);
  if (queue === undefined) throw new Error(`${prefix} answers no RPC`);
  return queue;
}

/** What a service can do that does not use our libraries, or has been taken over. */
async function outlaw(prefix: string): Promise<{ channel: ConfirmChannel; closedBy: () => unknown }> {
  const connection = await connect(urlOf(prefix));
  connection.on('error', () => undefined);
  kit.defer(() => connection.close());
  const channel = await connection.createConfirmChannel();
  let code: unknown;
  channel.on('error', (error) => {
    code = 'code' in error ? error.code : error;
  });
  return { channel, closedBy: () => code };
}

const replyKey = ({ properties }: Delivery): string => properties.replyTo ?? '';
const refused = (): Promise<number> => kit.count('warren_rabbit_replies_dropped_total', 'reason="wrong_sender"');
const first = async (held: readonly Delivery[]): Promise<Delivery> => {
  await until(() => held.length > 0);
  const [delivery] = held;
  if (delivery === undefined) throw new Error('unreachable');
  return delivery;
};

it('a reply that another service forges is refused and counted, and the true one counts afterwards', async () => {
  const auth = await service('auth');
  const call = gateway.outcome(ECHO, { text: 'x' }, { deadlineMs: 30_000 });
  const request = await first(auth.held);
  const { channel } = await outlaw('coordinator');
  const { correlationId = '' } = request.properties;
  const forgeries = [
    { type: 'ok' },
    { type: 'ok', userId: `${vhost.userPrefix}coordinator` },
    { type: 'error' },
    { type: 'of no kind' },
  ];
  for (const forgery of forgeries)
    channel.publish(EXCHANGE.replies, replyKey(request), FORGED, { correlationId, ...forgery });
  await channel.waitForConfirms();
  await until(async () => (await refused()) === forgeries.length);
  expect(gateway.pending).toBe(1);
  auth.answer(request);
  expect(await call).toEqual({ kind: 'value', value: { text: 'true' } });
});

it('a service that was called cannot answer the next call to another, whose correlation id it can guess', async () => {
  const [auth, allocator] = [await service('auth'), await service('allocator')];
  const known = gateway.outcome(ECHO, { text: 'x' }, { deadlineMs: 30_000 });
  const seen = await first(auth.held);
  const [epoch] = (seen.properties.correlationId ?? '').split('.');
  const next = gateway.outcome(OF_ALLOCATOR, { text: 'x' }, { deadlineMs: 30_000 });
  const request = await first(allocator.held);
  expect(request.properties.correlationId).toBe(`${epoch}.2`);
  const { channel } = await outlaw('auth');
  const userId = `${vhost.userPrefix}auth`;
  channel.publish(EXCHANGE.replies, replyKey(seen), FORGED, { correlationId: `${epoch}.2`, type: 'ok', userId });
  await until(async () => (await refused()) === 1);
  allocator.answer(request);
  auth.answer(seen);
  expect((await Promise.all([known, next])).map(({ kind }) => kind)).toEqual(['value', 'value']);
  expect(await next).toMatchObject({ value: { text: 'true' } });
});

it('the broker refuses a reply in the name of the service that was called', async () => {
  const auth = await service('auth');
  const call = gateway.outcome(ECHO, { text: 'x' }, { deadlineMs: 30_000 });
  const request = await first(auth.held);
  const { channel, closedBy } = await outlaw('coordinator');
  const { correlationId = '' } = request.properties;
  const userId = `${vhost.userPrefix}auth`;
  channel.publish(EXCHANGE.replies, replyKey(request), FORGED, { correlationId, type: 'ok', userId });
  await expect(channel.waitForConfirms()).rejects.toThrow();
  expect(closedBy()).toBe(406);
  auth.answer(request);
  expect(await call).toEqual({ kind: 'value', value: { text: 'true' } });
  expect(await refused()).toBe(0);
});

it('a reply key that is known cannot be bound to another queue, nor its queue be read', async () => {
  const auth = await service('auth');
  const call = gateway.outcome(ECHO, { text: 'x' }, { deadlineMs: 30_000 });
  const request = await first(auth.held);
  const deeds = [
    (channel: ConfirmChannel) => channel.bindQueue(`rpc.${vhost.userPrefix}coordinator.i.1`, EXCHANGE.replies, '#'),
    (channel: ConfirmChannel) =>
      channel.bindQueue(`rpc.${vhost.userPrefix}coordinator.i.1`, EXCHANGE.replies, replyKey(request)),
    (channel: ConfirmChannel) => channel.consume(replyKey(request), () => undefined),
    (channel: ConfirmChannel) => channel.deleteQueue(replyKey(request)),
  ];
  const holder = await outlaw('coordinator');
  await holder.channel.assertQueue(`rpc.${vhost.userPrefix}coordinator.i.1`, { durable: false });
  for (const deed of deeds) {
    const { channel, closedBy } = await outlaw('coordinator');
    await expect(deed(channel)).rejects.toThrow();
    expect(closedBy()).toBe(403);
  }
  auth.answer(request);
  expect(await call).toEqual({ kind: 'value', value: { text: 'true' } });
});

it('a request that names the reply queue of another user is done, but not answered', async () => {
  const auth = await service('auth');
  const call = gateway.outcome(ECHO, { text: 'x' }, { deadlineMs: 30_000 });
  const request = await first(auth.held);
  const { channel } = await outlaw('ops');
  const { correlationId = '' } = request.properties;
  const userId = `${vhost.userPrefix}ops`;
  const properties = { correlationId, type: 'auth.echo@1', userId, replyTo: replyKey(request) };
  channel.publish(EXCHANGE.rpc, ECHO.name, FORGED, properties);
  await until(() => auth.held.length === 2);
  const [, stolen] = auth.held;
  if (stolen === undefined) throw new Error('unreachable');
  auth.answer(stolen);
  expect(await kit.count('warren_rabbit_replies_dropped_total', 'reason="forged"')).toBe(1);
  expect(gateway.pending).toBe(1);
  auth.answer(request);
  expect(await call).toEqual({ kind: 'value', value: { text: 'true' } });
});
