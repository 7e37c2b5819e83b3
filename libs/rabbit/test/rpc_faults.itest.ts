import { AppError } from '@warren/kernel';
import { tempVhost } from '@warren/testing';
import { type ConfirmChannel, connect } from 'amqplib';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Delivery, EXCHANGE, type RabbitLink, type RpcReplier } from '../src/index.ts';
import { ECHO, Kit, until, WORK_QUEUE, watchUncaught } from './kit.ts';

const REPLY_TOS = 300;
const uncaught = watchUncaught();

describe('RPC under fire', () => {
  let kit: Kit;
  let publishLink: RabbitLink;
  let consumeLink: RabbitLink;
  let replier: RpcReplier;

  beforeEach(async () => {
    const vhost = await tempVhost();
    kit = await Kit.open(vhost.url);
    kit.defer(() => vhost.drop());
    publishLink = await kit.link('publish');
    consumeLink = await kit.link('consume');
    replier = kit.replier(publishLink);
    await until(() => replier.ready);
  });

  afterEach(async () => {
    await kit.close();
    expect(uncaught.seen).toEqual([]);
  });

  const echo = (delivery: Delivery): void => {
    replier.reply(delivery, { ok: true, value: JSON.parse(delivery.body.toString()) });
    delivery.ack();
  };

  it('rejects 100 pending calls with SERVICE_LINK_LOST when their connection is cut, and none is left to be caught', async () => {
    await kit.consumer(consumeLink, WORK_QUEUE, () => undefined, 200);
    const proxy = await kit.proxy();
    const client = await kit.client(await kit.link('publish', proxy.through(kit.url)));
    const options = { deadlineMs: 60_000 };
    const calls = Array.from({ length: 100 }, (_, i) => client.call(ECHO, { text: String(i) }, options));
    await until(() => client.pending === 100);
    proxy.cut();
    const results = await Promise.allSettled(calls);
    const errors = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
    expect(errors).toHaveLength(100);
    for (const error of errors) {
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ code: 'SERVICE_LINK_LOST', retryable: true });
    }
    expect(client.pending).toBe(0);
    await until(() => client.ready);
  });

  it('gives late replies to nobody: 50 calls that wait meanwhile get their own, and nothing is left behind', async () => {
    const held: Delivery[] = [];
    await kit.consumer(consumeLink, WORK_QUEUE, (delivery) => held.push(delivery), 200);
    const client = await kit.client(publishLink);
    const call = (text: string, deadlineMs: number) => client.outcome(ECHO, { text }, { deadlineMs });
    const texts = Array.from({ length: 50 }, (_, i) => String(i));
    const first = texts.map((text) => call(`late ${text}`, 150));
    await until(() => held.length === 50);
    expect(new Set((await Promise.all(first)).map(({ kind }) => kind))).toEqual(new Set(['timeout']));
    const second = texts.map((text) => call(`own ${text}`, 20_000));
    await until(() => held.length === 100);
    // the late ones first, the others in another order than they were asked
    for (const delivery of [...held.slice(0, 50), ...held.slice(50).reverse()]) echo(delivery);
    expect(await Promise.all(second)).toEqual(texts.map((text) => ({ kind: 'value', value: { text: `own ${text}` } })));
    await until(async () => (await kit.count('warren_rabbit_replies_dropped_total', 'reason="late"')) === 50);
    expect(client.pending).toBe(0);
  });

  it('keeps both connections of the responder up whatever 300 strings stand in replyTo', {
    timeout: 60_000,
  }, async () => {
    let received = 0;
    await kit.consumer(consumeLink, WORK_QUEUE, (delivery) => {
      received++;
      replier.reply(delivery, { ok: true, value: { text: 'x' } });
      delivery.ack();
    });
    const client = await kit.client(publishLink);
    const connection = await connect(kit.url);
    kit.defer(() => connection.close());
    const open = async (): Promise<ConfirmChannel> =>
      (await connection.createConfirmChannel()).on('error', () => undefined);
    let channel = await open();
    let refusedByBroker = 0;
    for (const replyTo of replyTos(publishLink.user)) {
      const properties = { correlationId: '1', userId: publishLink.user, replyTo };
      const refused = await new Promise<boolean>((resolve) => {
        const body = Buffer.from('{"text":"x"}');
        channel.publish(EXCHANGE.rpc, 'auth.echo', body, properties, (error) => resolve(error instanceof Error));
      });
      if (!refused) continue;
      refusedByBroker++;
      channel = await open();
    }
    await until(() => received === REPLY_TOS - refusedByBroker);
    expect(refusedByBroker).toBeLessThan(10);
    expect(await client.call(ECHO, { text: 'x' })).toEqual({ text: 'x' });
    expect([publishLink.state.epoch, consumeLink.state.epoch]).toEqual([1, 1]);
    expect(await kit.count('warren_rabbit_replies_dropped_total', 'reason="forged"')).toBeGreaterThan(100);
    await until(async () => (await kit.count('warren_rabbit_replies_dropped_total', 'reason="returned"')) > 50);
  });
});

/** Addresses that have killed connections elsewhere, arbitrary ones, and arbitrary ones behind the right beginning. */
function replyTos(user: string): string[] {
  const known = [
    'amq.rabbitmq.reply-to.AAAA.BBBB',
    'amq.rabbitmq.reply-to',
    'amq.rabbitmq.reply-to.',
    `amq.rabbitmq.reply-to.${'A'.repeat(200)}`,
    'amq.rabbitmq.reply-to.g1h3AA9yZXBseUA5OTk5OTk5OQAAAAEAAAAAYA==.xxxxxxxxxxxxxxxxxxxxxx==',
    '',
    '#',
    '*',
    'warren.replies',
    'auth.rpc',
    'gateway.commands',
    '../../etc/passwd',
    'rpc.',
    `rpc.${user}`,
    `rpc.${user}.`,
    `rpc.${user}.#`,
    `rpc.${user}.*.*`,
    `rpc.${user}.amq.rabbitmq.reply-to.AAAA.BBBB`,
    `rpc.${user}.${'x'.repeat(255 - 5 - user.length)}`,
  ];
  const short = fc.string({ maxLength: 60, unit: 'binary' });
  const grapheme = fc.string({ maxLength: 60, unit: 'grapheme' });
  const any = fc.oneof(short, grapheme);
  const arbitrary = fc.sample(
    fc.oneof(
      any,
      any.map((text) => `rpc.${user}.${text}`),
    ),
    REPLY_TOS - known.length,
  );
  return [...known, ...arbitrary];
}
