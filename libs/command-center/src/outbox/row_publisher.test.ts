import { silentLogger, systemClock } from '@warren/kernel';
import { EXCHANGE, type OutgoingMessage, type PublishOutcome, type RabbitLink } from '@warren/rabbit';
import { heapInUse } from '@warren/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import type { OutboxRow } from './outbox_rows.ts';
import { RowPublisher } from './row_publisher.ts';

const TIMEOUT_MS = 30_000;

let sent: string[];
/** What becomes of a message, by its body; confirmed unless told. */
let endings: Map<string, PublishOutcome | Promise<PublishOutcome>>;
let hear: Parameters<RabbitLink['onState']>[0];

const UP = { up: true, epoch: 1, blocked: false, fatal: false };

beforeEach(() => {
  sent = [];
  endings = new Map();
});

function make(): RowPublisher {
  const publisher = {
    publish: async ({ body }: OutgoingMessage): Promise<PublishOutcome> => {
      sent.push(body.toString());
      return (await endings.get(body.toString())) ?? 'confirmed';
    },
  };
  const publishLink = {
    state: UP,
    onState: (listener: typeof hear) => {
      hear = listener;
      return () => undefined;
    },
  };
  return new RowPublisher({ publisher, publishLink, clock: systemClock, logger: silentLogger() });
}

const row = (exchange: string, routing_key: string, body: string): OutboxRow => ({
  id: body,
  exchange,
  routing_key,
  message_id: body,
  type: 'x@1',
  headers: '{}',
  body,
});

const LANES = [
  ['a push partition', EXCHANGE.push, ['push.05', 'push.05', 'push.05']],
  ['a command partition, whatever the verb', EXCHANGE.commands, ['shop.buy.p03', 'shop.sell_all.p03', 'shop.buy.p03']],
] as const;

describe.each(LANES)('rows of %s', (_what, exchange, keys) => {
  const rows = keys.map((key, index) => row(exchange, key, `${index}`));

  test('leave one after the other: none behind one that was refused', async () => {
    endings.set('1', 'nacked');
    expect(await make().publish(rows, TIMEOUT_MS)).toEqual(['confirmed', 'nacked', 'kept']);
    expect(sent).toEqual(['0', '1']);
  });

  test('wait for the confirm of their predecessor, and other lanes do not', async () => {
    const { promise, resolve } = Promise.withResolvers<PublishOutcome>();
    endings.set('0', promise);
    const other = row(exchange, keys[0].replace(/\d\d$/, '07'), 'other');
    const published = make().publish([...rows, other], TIMEOUT_MS);
    await new Promise((turn) => setImmediate(turn));
    expect(sent).toEqual(['0', 'other']);
    resolve('confirmed');
    expect(await published).toEqual(['confirmed', 'confirmed', 'confirmed', 'confirmed']);
  });

  test('are unknown or kept when the link is lost', async () => {
    endings.set('1', new Promise(() => undefined));
    const published = make().publish(rows, TIMEOUT_MS);
    await new Promise((turn) => setImmediate(turn));
    hear({ ...UP, up: false });
    expect(await published).toEqual(['confirmed', 'unknown', 'kept']);
  });
});

test('events leave together: a refused one holds up no other', async () => {
  endings.set('0', 'nacked');
  const rows = ['0', '1', '2'].map((body) => row(EXCHANGE.events, 'shop.sold', body));
  expect(await make().publish(rows, TIMEOUT_MS)).toEqual(['nacked', 'confirmed', 'confirmed']);
});

test('a batch whose time is over keeps what was not sent', async () => {
  const rows = ['0', '1'].map((body) => row(EXCHANGE.push, 'push.05', body));
  expect(await make().publish(rows, 0)).toEqual(['kept', 'kept']);
  expect(sent).toEqual([]);
});

test('batches leave nothing behind, however long the link stays up', async () => {
  const publisher = make();
  const rows = Array.from({ length: 200 }, (_, index) => row(EXCHANGE.events, 'shop.sold', `${index}`));
  const used = async (batches: number): Promise<number> => {
    for (let batch = 0; batch < batches; batch++) {
      sent = [];
      await publisher.publish(rows, TIMEOUT_MS);
    }
    return heapInUse();
  };
  const before = await used(20);
  expect((await used(200)) - before).toBeLessThan(1024 * 1024);
});

test('a row that is no message is told apart from one that the broker refuses', async () => {
  const bad = { ...row(EXCHANGE.events, 'shop.sold', '0'), headers: 'no json' };
  expect(await make().publish([bad], TIMEOUT_MS)).toEqual(['invalid']);
});
