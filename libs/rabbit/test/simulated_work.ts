import { Metrics } from '@warren/telemetry';
import { type FakeClock, fakeClock, SeededRng } from '@warren/testing';
import {
  ConfirmedPublisher,
  type Delivery,
  declareExchanges,
  EXCHANGE,
  QueueConsumer,
  type QueueSpec,
  RabbitLink,
  RpcClient,
  RpcReplier,
} from '../src/index.ts';
import type { FaultPlan } from '../src/memory/faults.ts';
import { MemoryBroker } from '../src/memory/index.ts';
import { ECHO, logger, WORK_QUEUE } from './kit.ts';

const MESSAGES = 60;
const CALLS = 40;
const FAULTY_MS = 20_000;
/** Long enough for every backoff, delay and deadline to run out. */
const CALM_MS = 60_000;
const PACE_MS = 250;

const QUEUE: QueueSpec = {
  name: 'allocator.commands',
  durable: true,
  exclusive: false,
  autoDelete: false,
  arguments: { 'x-queue-type': 'quorum' },
  bindings: [{ exchange: EXCHANGE.commands, pattern: 'allocator.*' }],
};

export interface SimulatedRun {
  /** What the broker saw, in its order. */
  readonly events: readonly string[];
  readonly published: readonly string[];
  /** What the consumer did, each message counted once as an inbox would. */
  readonly effects: ReadonlySet<string>;
  readonly deliveries: number;
  readonly outcomes: readonly { readonly kind: string }[];
  readonly pendingCalls: number;
  readonly waiting: number;
  readonly reconnects: number;
}

/** Everything on one fake clock, and every choice out of one seed. */
class World {
  readonly rng: SeededRng;
  readonly clock: FakeClock;
  readonly broker: MemoryBroker;
  readonly events: string[] = [];
  readonly links: RabbitLink[] = [];
  readonly metrics = new Metrics('test');

  constructor(seed: number) {
    this.rng = new SeededRng(seed);
    this.clock = fakeClock(0, () => this.broker.busy);
    this.broker = new MemoryBroker({
      clock: this.clock,
      rng: this.rng.fork('broker'),
      onEvent: ({ atMs, what, subject, messageId }) =>
        this.events.push(`${atMs} ${what} ${subject} ${messageId ?? ''}`),
    });
  }

  /** What every part of the system is given. */
  get shared() {
    return { logger, metrics: this.metrics, clock: this.clock, rng: this.rng };
  }

  link(role: 'publish' | 'consume', who: string): RabbitLink {
    const link = new RabbitLink({
      ...this.shared,
      url: this.broker.url(),
      role,
      name: `${who}.${role}`,
      connect: this.broker.connect,
    });
    link.start();
    this.links.push(link);
    return link;
  }
}

/** A sender that repeats what is not confirmed, as the outbox does, a consumer, and a caller with its answerer. */
export async function simulate(seed: number, faults: Partial<FaultPlan>): Promise<SimulatedRun> {
  const world = new World(seed);
  const { broker, clock } = world;
  await declareExchanges(broker.url(), broker.connect);
  const consumed = startConsumer(world);
  const client = startAnswering(world);
  await clock.advance(2_000);
  broker.inject(faults);
  const sent = startSending(world);
  const outcomes = startCalling(world, client);
  await clock.advance(FAULTY_MS);
  broker.inject({});
  await clock.advance(CALM_MS);
  const run: SimulatedRun = {
    events: world.events,
    published: sent.ids,
    effects: consumed.effects,
    deliveries: consumed.seen.length,
    outcomes: await Promise.all(outcomes),
    pendingCalls: client.pending,
    waiting: sent.publisher.waiting + sent.publisher.inFlight,
    reconnects: world.links.reduce((sum, { state }) => sum + state.epoch - 1, 0),
  };
  await Promise.all([client.stop(), sent.publisher.stop(0), ...world.links.map((link) => link.stop())]);
  broker.close();
  return run;
}

function startConsumer(world: World): { effects: Set<string>; seen: string[] } {
  const effects = new Set<string>();
  const seen: string[] = [];
  const onDelivery = (delivery: Delivery): void => {
    const id = delivery.properties.messageId ?? '';
    seen.push(id);
    void world.clock.sleep(world.rng.int(0, 30)).then(() => {
      if (delivery.lost) return;
      effects.add(id);
      delivery.ack();
    });
  };
  const consumer = new QueueConsumer({
    ...world.shared,
    link: world.link('consume', 'worker'),
    queue: QUEUE,
    prefetch: 8,
    declare: true,
    onDelivery,
  });
  void consumer.start();
  return { effects, seen };
}

function startAnswering(world: World): RpcClient {
  const server = { publish: world.link('publish', 'answerer'), consume: world.link('consume', 'answerer') };
  const replier = new RpcReplier({ ...world.shared, link: server.publish });
  const answerer = new QueueConsumer({
    ...world.shared,
    link: server.consume,
    queue: WORK_QUEUE,
    prefetch: 32,
    declare: true,
    onDelivery: (delivery) => {
      replier.reply(delivery, { ok: true, value: JSON.parse(delivery.body.toString()) });
      delivery.ack();
    },
  });
  void answerer.start();
  const publishLink = world.link('publish', 'caller');
  const client = new RpcClient({ ...world.shared, publishLink, user: 'guest', prefix: 'gateway', instance: 'one' });
  void client.start();
  return client;
}

function startSending(world: World): { ids: readonly string[]; publisher: ConfirmedPublisher } {
  const publisher = new ConfirmedPublisher({
    ...world.shared,
    link: world.link('publish', 'sender'),
    prefix: 'gateway',
  });
  const ids = Array.from({ length: MESSAGES }, (_, i) => `m${i}`);
  for (const [i, messageId] of ids.entries()) void untilStored(world, publisher, { messageId, afterMs: i * PACE_MS });
  return { ids, publisher };
}

async function untilStored(
  { clock }: World,
  publisher: ConfirmedPublisher,
  { messageId, afterMs }: { messageId: string; afterMs: number },
): Promise<void> {
  await clock.sleep(afterMs);
  const message = {
    exchange: EXCHANGE.commands,
    key: 'allocator.do_it',
    body: Buffer.from('{}'),
    messageId,
    type: 'allocator.do_it@1',
    persistent: true,
  };
  while ((await publisher.publish(message, { timeoutMs: 2_000 })) !== 'confirmed') await clock.sleep(100);
}

function startCalling(world: World, client: RpcClient): Promise<{ kind: string }>[] {
  return Array.from({ length: CALLS }, async (_, i) => {
    await world.clock.sleep(i * PACE_MS);
    return await client.outcome(ECHO, { text: String(i) }, { deadlineMs: 1_000, messageId: `call${i}` });
  });
}
