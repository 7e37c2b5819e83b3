import { ackFrame, bySize, type FaultProxy, type TempVhost, tempVhost } from '@warren/testing';
import { type Channel, connect } from 'amqplib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Delivery } from '../src/index.ts';
import { Kit, quorumQueue, until, watchUncaught } from './kit.ts';
import { SettlementLedger } from './settlement_ledger.ts';

const RUNS = bySize({ short: 6, full: 200 });
const MESSAGES = 150;
const PREFETCH = 20;
const UNKNOWN_TAG = 999_999;
const QUEUE = quorumQueue('work');
const uncaught = watchUncaught();

/** What happens next to the consumer, and how long after the event before. */
const faults = fc.array(
  fc.record({ afterMs: fc.integer({ min: 5, max: 80 }), kind: fc.constantFrom('cut', 'close_channel') }),
  { minLength: 3, maxLength: 8 },
);
/** How long handlers take: by turns. */
const works = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 10 });

let vhost: TempVhost;
let channel: Channel;
let kit: Kit;

beforeAll(async () => {
  vhost = await tempVhost();
  kit = await Kit.open(vhost.url);
  const raw = await connect(vhost.url, { noDelay: true });
  kit.defer(() => raw.close());
  channel = await raw.createChannel();
  await channel.assertQueue(QUEUE.name, { durable: true, arguments: QUEUE.arguments });
});

afterAll(async () => {
  await kit.close();
  uncaught.stop();
  await vhost.drop();
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Works off all messages while the faults happen, and says what was wrong. */
class Run {
  readonly handled = new Set<string>();
  readonly ledger = new SettlementLedger((id) => this.handled.has(id));
  readonly #workMs: readonly number[];
  #turn = 0;

  constructor(workMs: readonly number[]) {
    this.#workMs = workMs;
  }

  async work(delivery: Delivery): Promise<void> {
    const ms = this.#workMs[this.#turn++ % this.#workMs.length] ?? 0;
    await pause(ms);
    this.handled.add(delivery.body.toString());
    delivery.ack();
  }

  disturb(proxy: FaultProxy, kind: string): void {
    const place = this.ledger.consumer;
    if (kind === 'cut') {
      this.ledger.expectCut();
      proxy.cut();
    } else if (place !== undefined && this.ledger.expectClose(place)) {
      proxy.inject('to_server', ackFrame(place.channel, UNKNOWN_TAG), place.connection);
    }
  }
}

test('whatever cuts it off, a consumer settles each delivery on its own channel only, and no message is missing', {
  timeout: RUNS * 30_000,
}, async () => {
  let [faultCount, redeliveries] = [0, 0];
  const property = fc.asyncProperty(faults, works, async (schedule, workMs) => {
    const own = new Kit(vhost.url);
    const proxy = await own.proxy();
    const run = new Run(workMs);
    run.ledger.watch(proxy);
    const link = await own.link('consume', proxy.through(vhost.url));
    for (let i = 0; i < MESSAGES; i++) channel.sendToQueue(QUEUE.name, Buffer.from(String(i)));
    const consumer = await own.consumer(link, QUEUE, (delivery) => void run.work(delivery), PREFETCH);
    for (const { afterMs, kind } of schedule) {
      await pause(afterMs);
      run.disturb(proxy, kind);
      faultCount++;
    }
    await until(() => run.handled.size === MESSAGES, 20_000);
    await until(async () => consumer.consuming && (await channel.checkQueue(QUEUE.name)).messageCount === 0);
    await pause(60);
    await own.close();
    // what nobody settled would be back by now
    expect((await channel.checkQueue(QUEUE.name)).messageCount).toBe(0);
    expect(run.ledger.violations).toEqual([]);
    redeliveries += run.ledger.deliveries - MESSAGES;
  });
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true });
  expect(faultCount).toBeGreaterThanOrEqual(RUNS * 3);
  expect(redeliveries).toBeGreaterThan(RUNS);
  expect(uncaught.seen).toEqual([]);
});
