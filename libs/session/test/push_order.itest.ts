import { silentLogger, systemClock, systemRng } from '@warren/kernel';
import {
  ConfirmedPublisher,
  declareExchanges,
  declareServiceTopology,
  EXCHANGE,
  pushKey,
  RabbitLink,
} from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { type TempVhost, tempVhost } from '@warren/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EventRing } from '../src/push/event_ring.ts';
import type { NodeQueue } from '../src/push/node_queue.ts';
import { PushPartition } from '../src/push/push_partition.ts';

const PARTITION = 3;
/** More than one gateway has in hand. */
const EVENTS = 150;
const LAST_BEFORE_DROP = 5;
const logger = silentLogger();
const metrics = new Metrics('test');

let vhost: TempVhost;
let closers: (() => Promise<unknown>)[];

beforeEach(async () => {
  closers = [];
  vhost = await tempVhost();
  closers.push(() => vhost.drop());
  await declareExchanges(vhost.url);
});

afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

async function link(role: 'publish' | 'consume'): Promise<RabbitLink> {
  const made = new RabbitLink({ url: vhost.url, role, name: `test.${role}`, logger, metrics });
  closers.push(() => made.stop());
  made.start();
  await made.ready(15_000);
  return made;
}

test('a gateway that loses a push partition hands it over in order, also to one that waits for it already', async () => {
  const consumeLink = await link('consume');
  await declareServiceTopology(consumeLink, 'gateway');
  const publisher = new ConfirmedPublisher({ link: await link('publish'), prefix: 'gateway', logger, metrics });
  closers.push(() => publisher.stop());
  for (let n = 0; n < EVENTS; n++) await publishEvent(publisher, n);

  const appended: number[] = [];
  const { promise: dropped, resolve: drop } = Promise.withResolvers<void>();
  const partition = (before: (n: number) => Promise<void>, over: RabbitLink): PushPartition => {
    const ring = {
      append: async (_recipient: string, { payload }: { payload: string }) => {
        const { n } = JSON.parse(payload) as { n: number };
        await before(n);
        appended.push(n);
        return { seq: n, duplicate: false, owner: undefined };
      },
    } as unknown as EventRing;
    const nodes = {} as NodeQueue;
    const clock = systemClock;
    return new PushPartition(PARTITION, {
      consumeLink: over,
      publisher,
      ring,
      nodes,
      clock,
      rng: systemRng,
      logger,
      metrics,
    });
  };
  const loser = partition(async (n) => {
    if (n !== LAST_BEFORE_DROP) return;
    drop();
    await systemClock.sleep(200);
  }, consumeLink);
  loser.start();
  await dropped;
  const winner = partition(async () => undefined, await link('consume'));
  winner.start();
  await systemClock.sleep(100);
  await loser.stop();
  await expect.poll(() => new Set(appended).size, { timeout: 20_000 }).toBe(EVENTS);
  await winner.stop();
  const firsts = appended.filter((n, index) => appended.indexOf(n) === index);
  expect(firsts).toEqual(Array.from({ length: EVENTS }, (_, n) => n));
});

async function publishEvent(publisher: ConfirmedPublisher, n: number): Promise<void> {
  const outcome = await publisher.publish({
    exchange: EXCHANGE.push,
    key: pushKey(PARTITION),
    body: Buffer.from(
      JSON.stringify({ recipient: 'player:11111111-1111-4111-8111-111111111111', type: 'match.found', payload: { n } }),
    ),
    messageId: `event-${n}`,
    type: 'test@1',
    persistent: true,
    mandatory: true,
  });
  expect(outcome).toBe('confirmed');
}
