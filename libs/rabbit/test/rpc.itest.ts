import { AppError } from '@warren/kernel';
import { tempVhost } from '@warren/testing';
import { connect } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Delivery, EXCHANGE, type RabbitLink, type RpcClient, type RpcReplier } from '../src/index.ts';
import { ECHO, Kit, until, WORK_QUEUE } from './kit.ts';

describe('RPC over the broker', () => {
  let kit: Kit;
  let publishLink: RabbitLink;
  let consumeLink: RabbitLink;
  let client: RpcClient;
  let replier: RpcReplier;

  beforeEach(async () => {
    const vhost = await tempVhost();
    kit = await Kit.open(vhost.url);
    kit.defer(() => vhost.drop());
    publishLink = await kit.link('publish');
    consumeLink = await kit.link('consume');
    client = await kit.client(publishLink);
    replier = kit.replier(publishLink);
    await until(() => replier.ready);
  });

  afterEach(() => kit.close());

  const answer = (respond: (delivery: Delivery) => void) => kit.consumer(consumeLink, WORK_QUEUE, respond);
  const echo = (delivery: Delivery): void => {
    replier.reply(delivery, { ok: true, value: JSON.parse(delivery.body.toString()) });
    delivery.ack();
  };

  it('brings the reply of the other side back as a typed value', async () => {
    await answer(echo);
    expect(await client.call(ECHO, { text: 'hello' })).toEqual({ text: 'hello' });
    expect(client.pending).toBe(0);
  });

  it('sends the properties and headers of the wire format', async () => {
    let seen: Delivery | undefined;
    await answer((delivery) => {
      seen = delivery;
      echo(delivery);
    });
    const actor = { kind: 'player', id: 'p1', sessionId: 's1', roles: ['admin'] } as const;
    await client.call(ECHO, { text: 'x' }, { messageId: 'm1', actor, deadlineMs: 1_500 });
    expect(seen?.key).toBe('auth.echo');
    expect(seen?.properties).toMatchObject({
      contentType: 'application/json',
      messageId: 'm1',
      userId: publishLink.user,
      appId: 'gateway',
      type: 'auth.echo@1',
      expiration: '1500',
      headers: { 'warren-actor': 'player:p1', 'warren-session': 's1', 'warren-roles': 'admin' },
    });
    expect(seen?.properties.replyTo).toMatch(new RegExp(`^rpc\\.${publishLink.user}\\.`));
    expect(seen?.properties.correlationId).toMatch(/^[0-9a-f]{32}\.\d+$/);
    expect(seen?.properties.headers?.['warren-deadline']).toBeGreaterThan(Date.now() - 1_500);
  });

  it('throws the error of the other side with its code, kind, fields and advice', async () => {
    const error = new AppError('AUTH_LOGIN_TAKEN', 'Taken.', {
      kind: 'conflict',
      retryable: false,
      fields: [{ path: 'login', message: 'is taken' }],
      retryAfterSeconds: 3,
    });
    await answer((delivery) => {
      replier.reply(delivery, { ok: false, error });
      delivery.ack();
    });
    await expect(client.call(ECHO, { text: '' })).rejects.toMatchObject({
      code: 'AUTH_LOGIN_TAKEN',
      kind: 'conflict',
      retryable: false,
      fields: [{ path: 'login', message: 'is taken' }],
      retryAfterSeconds: 3,
    });
  });

  it('says within 50 ms that nobody serves the command', async () => {
    await client.outcome(ECHO, { text: 'warm' });
    const begin = performance.now();
    expect(await client.outcome(ECHO, { text: 'x' })).toEqual({ kind: 'no_route' });
    expect(performance.now() - begin).toBeLessThan(50);
    await expect(client.call(ECHO, { text: 'x' })).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      retryable: true,
    });
  });

  it('ends at its deadline, and drops and counts the late reply', async () => {
    const held: Delivery[] = [];
    await answer((delivery) => held.push(delivery));
    const begin = performance.now();
    expect(await client.outcome(ECHO, { text: 'x' }, { deadlineMs: 120 })).toEqual({ kind: 'timeout' });
    const took = performance.now() - begin;
    expect(took).toBeGreaterThanOrEqual(119);
    expect(took).toBeLessThan(400);
    for (const delivery of held) echo(delivery);
    await until(async () => (await kit.count('warren_rabbit_replies_dropped_total', 'reason="late"')) === 1);
    expect(client.pending).toBe(0);
  });

  it('ends when its signal is aborted, and is not sent at all when it was aborted before', async () => {
    let requests = 0;
    await answer(() => void requests++);
    const controller = new AbortController();
    const outcome = client.outcome(ECHO, { text: 'x' }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 20);
    expect(await outcome).toEqual({ kind: 'aborted' });
    expect(await client.outcome(ECHO, { text: 'x' }, { signal: controller.signal })).toEqual({ kind: 'aborted' });
    expect(await client.outcome(ECHO, { text: 'y' }, { deadlineMs: 300 })).toEqual({ kind: 'timeout' });
    expect(requests).toBe(2);
  });

  it('turns a reply that does not fit the contract into SERVICE_INTERNAL', async () => {
    await answer((delivery) => {
      replier.reply(delivery, { ok: true, value: { text: 7 } });
      delivery.ack();
    });
    await expect(client.call(ECHO, { text: 'x' })).rejects.toMatchObject({
      code: 'SERVICE_INTERNAL',
      retryable: false,
    });
  });

  it('does not answer to an address of another user', async () => {
    await answer(echo);
    const connection = await connect(kit.url);
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue('rpc.somebody.x.1', { exclusive: true });
    await channel.bindQueue(queue, EXCHANGE.replies, queue);
    const properties = { correlationId: '1', replyTo: queue, userId: publishLink.user };
    channel.publish(EXCHANGE.rpc, 'auth.echo', Buffer.from('{"text":"x"}'), properties);
    channel.publish(EXCHANGE.rpc, 'auth.echo', Buffer.from('{"text":"x"}'), {
      correlationId: '1',
      replyTo: `rpc.${publishLink.user}.x`,
    });
    await until(async () => (await kit.count('warren_rabbit_replies_dropped_total', 'reason="forged"')) === 2);
    expect(await channel.get(queue)).toBe(false);
    await connection.close();
  });

  it('ends 100 pending calls as link_lost when the connection goes', async () => {
    await answer(() => undefined);
    const calls = Array.from({ length: 100 }, (_, i) => client.outcome(ECHO, { text: String(i) }));
    await until(() => client.pending === 100);
    await publishLink.stop();
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((outcome) => outcome.kind === 'link_lost')).toHaveLength(100);
    expect(client.pending).toBe(0);
  });
});
