import type { GetMessage } from 'amqplib';
import {
  type Delivery,
  EXCHANGE,
  type OutgoingMessage,
  type QueueConsumer,
  type QueueSpec,
  type RabbitLink,
} from '../../src/index.ts';
import { Kit, until } from '../kit.ts';
import type { BrokerUnderTest, RawChannel } from './broker_under_test.ts';

/** One behaviour, as a sentence, and how to see it. The same is expected of RabbitMQ and of the twin. */
export interface ConformanceCase<B extends BrokerUnderTest = BrokerUnderTest> {
  readonly title: string;
  readonly run: (bench: Bench<B>) => Promise<void>;
}

/** How long a test waits for what must happen; a busy machine needs it, a defect uses it up. */
const PATIENCE_MS = 20_000;

export const eventually = (condition: () => boolean | Promise<boolean>): Promise<void> => until(condition, PATIENCE_MS);
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A queue that a case makes for itself; of the type `quorum` and without arguments unless said. */
export function queueSpec(name: string, change: Partial<QueueSpec> = {}): QueueSpec {
  const { arguments: args = {}, ...rest } = change;
  return {
    name,
    durable: true,
    exclusive: false,
    autoDelete: false,
    bindings: [],
    ...rest,
    arguments: change.exclusive === true ? args : { 'x-queue-type': 'quorum', ...args },
  };
}

export const classic = { 'x-queue-type': 'classic' } as const;

/** A message for a queue by its name; `warren.deliver` is where every work queue is bound by its own. */
export function message(id: string, change: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    exchange: EXCHANGE.commands,
    key: 'auth.work',
    body: Buffer.from(JSON.stringify({ id })),
    messageId: id,
    type: 'auth.work@1',
    persistent: true,
    ...change,
  };
}

/** The broker of one case with what the case opens on it. */
export class Bench<B extends BrokerUnderTest = BrokerUnderTest> extends Kit {
  readonly broker: B;
  /** Straight to the broker. A case that gets it closed takes another one by `openRaw`. */
  readonly raw: RawChannel;

  constructor(broker: B, raw: RawChannel) {
    super(broker.url, broker.connect);
    this.broker = broker;
    this.raw = raw;
  }

  static async on<B extends BrokerUnderTest>(broker: B): Promise<Bench<B>> {
    const kit = await Kit.open(broker.url, broker.connect);
    await kit.close();
    return new Bench(broker, await broker.raw());
  }

  /** A further channel; what closes it is noted in `errors`. */
  async openRaw(): Promise<{ channel: RawChannel; errors: number[] }> {
    const channel = await this.broker.raw();
    const errors: number[] = [];
    channel.on('error', (error) => errors.push('code' in error ? Number(error.code) : 0));
    return { channel, errors };
  }

  /** Declares a queue past the code under test, bound to `warren.commands` by the given patterns. */
  async queue(spec: QueueSpec, ...patterns: string[]): Promise<void> {
    await this.raw.assertQueue(spec.name, { ...spec, arguments: spec.arguments });
    for (const { exchange, pattern } of spec.bindings) await this.raw.bindQueue(spec.name, exchange, pattern);
    for (const pattern of patterns) await this.raw.bindQueue(spec.name, EXCHANGE.commands, pattern);
  }

  /** Consumes a queue and keeps what comes, unsettled. */
  async gather(
    spec: QueueSpec,
    options: { prefetch?: number; link?: RabbitLink } = {},
  ): Promise<{ seen: Delivery[]; consumer: QueueConsumer }> {
    const seen: Delivery[] = [];
    const link = options.link ?? (await this.link('consume'));
    const consumer = await this.consumer(link, spec, (delivery) => seen.push(delivery), options.prefetch);
    return { seen, consumer };
  }

  /** Puts messages into a queue one after the other, with their number as their id, and waits until they are stored. */
  async fill(queue: string, count: number, from = 0): Promise<void> {
    const stored = Array.from({ length: count }, (_, i) => {
      const id = String(from + i);
      return new Promise<void>((resolve, reject) => {
        const options = { messageId: id, persistent: true };
        this.raw.sendToQueue(queue, Buffer.from(id), options, (error) => (error === null ? resolve() : reject(error)));
      });
    });
    await Promise.all(stored);
  }

  /** The next message of a queue, once there is one, out of the queue for ever. */
  take(queue: string): Promise<GetMessage> {
    return this.#next(queue, true);
  }

  /** As `take`, to be settled on `raw`. */
  hold(queue: string): Promise<GetMessage> {
    return this.#next(queue, false);
  }

  async #next(queue: string, noAck: boolean): Promise<GetMessage> {
    const found: GetMessage[] = [];
    await eventually(async () => {
      const got = await this.raw.get(queue, { noAck });
      if (got !== false) found.push(got);
      return found.length > 0;
    });
    const [first] = found;
    if (first === undefined) throw new Error('unreachable');
    return first;
  }

  /** Messages that wait in a queue. */
  async ready(queue: string): Promise<number> {
    return (await this.raw.checkQueue(queue)).messageCount;
  }

  /** Waits until exactly so many messages wait in a queue. */
  async holds(queue: string, count: number): Promise<void> {
    await eventually(async () => (await this.ready(queue)) === count);
  }

  /** Whether a queue is there, asked on a channel of its own since a no closes it. */
  async exists(queue: string): Promise<boolean> {
    const { channel } = await this.openRaw();
    try {
      await channel.checkQueue(queue);
      await channel.close();
      return true;
    } catch {
      return false;
    }
  }
}

export const idsOf = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ properties }) => properties.messageId ?? '');

export const sorted = (ids: readonly string[]): string[] => ids.toSorted((a, b) => (a < b ? -1 : 1));
