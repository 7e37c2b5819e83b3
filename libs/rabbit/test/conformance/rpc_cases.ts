import { AppError } from '@warren/kernel';
import { expect } from 'vitest';
import { type Delivery, EXCHANGE, type RabbitLink, type RpcClient, type RpcReplier } from '../../src/index.ts';
import { ECHO, WORK_QUEUE } from '../kit.ts';
import { type Bench, type ConformanceCase, eventually, queueSpec } from './bench.ts';
import type { UsersUnderTest } from './broker_under_test.ts';

interface Talk {
  readonly publishLink: RabbitLink;
  readonly consumeLink: RabbitLink;
  readonly client: RpcClient;
  readonly replier: RpcReplier;
  /** Answers with the request's own body. */
  readonly echo: (delivery: Delivery) => void;
}

async function talk(bench: Bench): Promise<Talk> {
  const [publishLink, consumeLink] = [await bench.link('publish'), await bench.link('consume')];
  const client = await bench.client(publishLink);
  const replier = bench.replier(publishLink);
  await eventually(() => replier.ready);
  const echo = (delivery: Delivery): void => {
    replier.reply(delivery, { ok: true, value: JSON.parse(delivery.body.toString()) });
    delivery.ack();
  };
  return { publishLink, consumeLink, client, replier, echo };
}

export const RPC_CASES: readonly ConformanceCase<UsersUnderTest>[] = [
  {
    title: 'a call brings back the reply of the other side',
    run: async (bench) => {
      const { client, consumeLink, echo } = await talk(bench);
      await bench.consumer(consumeLink, WORK_QUEUE, echo);
      expect(await client.call(ECHO, { text: 'hello' })).toEqual({ text: 'hello' });
      expect(client.pending).toBe(0);
    },
  },
  {
    title: '300 calls at once each get their own reply',
    run: async (bench) => {
      const { client, consumeLink, echo } = await talk(bench);
      await bench.consumer(consumeLink, WORK_QUEUE, echo, 50);
      const texts = Array.from({ length: 300 }, (_, i) => `call ${i}`);
      const replies = await Promise.all(texts.map((text) => client.call(ECHO, { text }, { deadlineMs: 20_000 })));
      expect(replies).toEqual(texts.map((text) => ({ text })));
    },
  },
  {
    title: 'an error of the other side arrives with its code, kind and advice',
    run: async (bench) => {
      const { client, consumeLink, replier } = await talk(bench);
      const error = new AppError('AUTH_LOGIN_TAKEN', 'Taken.', { kind: 'conflict', retryAfterSeconds: 3 });
      await bench.consumer(consumeLink, WORK_QUEUE, (delivery) => {
        replier.reply(delivery, { ok: false, error });
        delivery.ack();
      });
      await expect(client.call(ECHO, { text: '' })).rejects.toMatchObject({
        code: 'AUTH_LOGIN_TAKEN',
        kind: 'conflict',
        retryAfterSeconds: 3,
      });
    },
  },
  {
    title: 'a call to a service without a replica has no route',
    run: async (bench) => {
      const { client } = await talk(bench);
      expect(await client.outcome(ECHO, { text: 'x' }, { deadlineMs: 30_000 })).toEqual({ kind: 'no_route' });
      expect(client.pending).toBe(0);
    },
  },
  {
    title: 'a call that nobody answers ends at its deadline, and its late reply is dropped',
    run: async (bench) => {
      const { client, consumeLink, echo } = await talk(bench);
      const held: Delivery[] = [];
      await bench.consumer(consumeLink, WORK_QUEUE, (delivery) => held.push(delivery));
      expect(await client.outcome(ECHO, { text: 'x' }, { deadlineMs: 150 })).toEqual({ kind: 'timeout' });
      for (const delivery of held) echo(delivery);
      await eventually(async () => (await bench.count('warren_rabbit_replies_dropped_total', 'reason="late"')) === 1);
      expect(client.pending).toBe(0);
    },
  },
  {
    title: 'a request that nobody took leaves its queue at its deadline',
    run: async (bench) => {
      await bench.queue(queueSpec('auth.rpc', { ...WORK_QUEUE, arguments: WORK_QUEUE.arguments }));
      const { client } = await talk(bench);
      const outcome = client.outcome(ECHO, { text: 'x' }, { deadlineMs: 700 });
      await bench.holds('auth.rpc', 1);
      expect(await outcome).toEqual({ kind: 'timeout' });
      await bench.holds('auth.rpc', 0);
    },
  },
  {
    title: 'calls under way end as link_lost when the connection breaks, and the next one works',
    run: async (bench) => {
      const { client, consumeLink, echo } = await talk(bench);
      let answering = false;
      await bench.consumer(consumeLink, WORK_QUEUE, (delivery) => (answering ? echo(delivery) : delivery.ack()), 200);
      const calls = Array.from({ length: 50 }, (_, i) => client.outcome(ECHO, { text: String(i) }));
      await eventually(() => client.pending === 50);
      bench.broker.cut();
      expect(new Set((await Promise.all(calls)).map(({ kind }) => kind))).toEqual(new Set(['link_lost']));
      answering = true;
      await eventually(async () => (await client.outcome(ECHO, { text: 'again' })).kind === 'value');
    },
  },
  {
    title: 'a reply address of another user gets no reply',
    run: async (bench) => {
      const { publishLink, consumeLink, echo } = await talk(bench);
      await bench.consumer(consumeLink, WORK_QUEUE, echo);
      const { queue } = await bench.raw.assertQueue('rpc.somebody.x.1', { exclusive: true });
      await bench.raw.bindQueue(queue, EXCHANGE.replies, queue);
      const properties = { correlationId: '1', replyTo: queue, userId: publishLink.user };
      bench.raw.publish(EXCHANGE.rpc, 'auth.echo', Buffer.from('{"text":"x"}'), properties);
      await eventually(async () => (await bench.count('warren_rabbit_replies_dropped_total', 'reason="forged"')) === 1);
      expect(await bench.raw.get(queue)).toBe(false);
    },
  },
  {
    title: 'a reply that another service forges is refused, and the true one counts afterwards',
    run: async (bench) => {
      const urlOf = await bench.broker.users();
      const client = await bench.client(await bench.link('publish', urlOf('gateway')));
      const replier = bench.replier(await bench.link('publish', urlOf('auth')));
      await eventually(() => replier.ready);
      const held: Delivery[] = [];
      await bench.consumer(await bench.link('consume', urlOf('auth')), WORK_QUEUE, (delivery) => held.push(delivery));
      const call = client.outcome(ECHO, { text: 'x' }, { deadlineMs: 30_000 });
      await eventually(() => held.length === 1);
      const forger = await bench.broker.raw(urlOf('coordinator'));
      for (const { properties } of held) {
        const { correlationId = '', replyTo = '' } = properties;
        forger.publish(EXCHANGE.replies, replyTo, Buffer.from('{"text":"forged"}'), { correlationId, type: 'ok' });
      }
      const refused = 'reason="wrong_sender"';
      await eventually(async () => (await bench.count('warren_rabbit_replies_dropped_total', refused)) === 1);
      for (const delivery of held) replier.reply(delivery, { ok: true, value: { text: 'true' } });
      expect(await call).toEqual({ kind: 'value', value: { text: 'true' } });
    },
  },
  {
    title: 'a reply to a queue that is gone is returned, and nobody is hurt',
    run: async (bench) => {
      const { publishLink, consumeLink, client, echo } = await talk(bench);
      await bench.consumer(consumeLink, WORK_QUEUE, echo);
      const properties = { correlationId: '1', replyTo: `rpc.${publishLink.user}.gone.1`, userId: publishLink.user };
      bench.raw.publish(EXCHANGE.rpc, 'auth.echo', Buffer.from('{"text":"x"}'), properties);
      await eventually(
        async () => (await bench.count('warren_rabbit_replies_dropped_total', 'reason="returned"')) === 1,
      );
      expect(await client.call(ECHO, { text: 'after' })).toEqual({ text: 'after' });
    },
  },
  {
    title: 'two clients of one user get only their own replies',
    run: async (bench) => {
      const { publishLink, consumeLink, client, echo } = await talk(bench);
      const other = await bench.client(publishLink);
      await bench.consumer(consumeLink, WORK_QUEUE, echo);
      const replies = await Promise.all(
        [client, other, client, other].map((one, i) => one.call(ECHO, { text: String(i) })),
      );
      expect(replies.map(({ text }) => text)).toEqual(['0', '1', '2', '3']);
      expect(await bench.count('warren_rabbit_replies_dropped_total', 'reason="late"')).toBe(0);
    },
  },
];
