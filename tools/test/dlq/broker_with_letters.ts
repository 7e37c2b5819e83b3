import { silentLogger } from '@warren/kernel';
import {
  brokerDefinitions,
  brokerPrefixes,
  ConfirmedPublisher,
  DeadLetterOffice,
  declareServiceTopology,
  EXCHANGE,
  HEADER,
  QueueConsumer,
  RabbitLink,
  userOf,
} from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import { importIntoVhost, type TempVhost, tempVhost } from '@warren/testing';

const PASSWORD = 'a-password-for-tests';
const BATCH = 500;

interface Parked {
  readonly id: string;
  readonly command?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly source?: string;
  readonly body?: unknown;
  /** Instead of a body: bytes that are no JSON. */
  readonly raw?: string;
  readonly sentAt?: number;
}

/** A vhost with the users and rights of a deployment, in which the queues of the allocator are there and hold letters. */
export class BrokerWithLetters {
  readonly vhost: TempVhost;
  readonly #stack = new AsyncDisposableStack();
  readonly #shared = { logger: silentLogger(), metrics: new Metrics('test') };

  private constructor(vhost: TempVhost) {
    this.vhost = vhost;
    this.#stack.defer(() => vhost.drop());
  }

  static async open(): Promise<BrokerWithLetters> {
    const broker = new BrokerWithLetters(await tempVhost());
    const { name, userPrefix } = broker.vhost;
    const passwords = Object.fromEntries(brokerPrefixes().map((prefix) => [prefix, 'replaced by importIntoVhost']));
    const definitions = brokerDefinitions({ vhost: name, userPrefix, passwords });
    const users = definitions.users.map((user) => ({ name: user.name, password: PASSWORD }));
    await importIntoVhost(broker.vhost, { ...definitions, users });
    await declareServiceTopology(await broker.#link('consume', broker.urlOf('allocator')), 'allocator');
    return broker;
  }

  urlOf(prefix: string): string {
    return this.vhost.urlFor(this.vhost.userPrefix + prefix, PASSWORD);
  }

  async office(): Promise<DeadLetterOffice> {
    const office = await DeadLetterOffice.open(this.urlOf('ops'));
    this.#stack.defer(() => office.close());
    return office;
  }

  /** Parks letters as the allocator does, in this order. */
  async park(letters: readonly Parked[]): Promise<void> {
    const url = this.urlOf('allocator');
    const link = await this.#link('publish', url);
    const publisher = new ConfirmedPublisher({ ...this.#shared, link, prefix: 'allocator', window: BATCH });
    const { userPrefix } = userOf(url, 'allocator');
    for (let start = 0; start < letters.length; start += BATCH) {
      const batch = letters.slice(start, start + BATCH).map((letter) =>
        publisher.publish({
          exchange: EXCHANGE.dead,
          key: 'allocator.dead',
          body: Buffer.from(letter.raw ?? JSON.stringify(letter.body ?? { id: letter.id })),
          messageId: letter.id,
          type: `${letter.command ?? 'allocator.assign_game'}@1`,
          persistent: true,
          headers: headersOf(letter, userPrefix),
        }),
      );
      const outcomes = await Promise.all(batch);
      if (outcomes.some((outcome) => outcome !== 'confirmed')) throw new Error('a letter could not be parked');
    }
    await publisher.stop();
    await link.stop();
  }

  /** Takes all messages of a queue and returns their ids in order. */
  async drain(queue: string): Promise<string[]> {
    const ids: string[] = [];
    const expected = (await (await this.office()).count(queue)) ?? 0;
    const consumer = new QueueConsumer({
      ...this.#shared,
      link: await this.#link('consume', this.vhost.url),
      queue: { name: queue, durable: true, exclusive: false, autoDelete: false, arguments: {}, bindings: [] },
      prefetch: BATCH,
      declare: false,
      onDelivery: (delivery) => {
        ids.push(delivery.properties.messageId ?? '');
        delivery.ack();
      },
    });
    await consumer.start();
    for (let waits = 0; ids.length < expected && waits < 6_000; waits++)
      await new Promise((done) => setTimeout(done, 10));
    await consumer.close();
    return ids;
  }

  close(): Promise<void> {
    return this.#stack.disposeAsync();
  }

  async #link(role: 'publish' | 'consume', url: string): Promise<RabbitLink> {
    const link = new RabbitLink({ ...this.#shared, url, role, name: `test.${role}` });
    this.#stack.defer(() => link.stop());
    link.start();
    await link.ready(10_000);
    return link;
  }
}

function headersOf(letter: Parked, userPrefix: string): Record<string, string | number> {
  return {
    [HEADER.attempt]: 6,
    [HEADER.reason]: letter.reason ?? 'retries_exhausted',
    [HEADER.errorCode]: letter.code ?? 'SERVICE_UNAVAILABLE',
    [HEADER.errorMessage]: 'Not now.',
    [HEADER.sourceQueue]: letter.source ?? 'allocator.commands',
    [HEADER.originUser]: `${userPrefix}coordinator`,
    [HEADER.sentAt]: letter.sentAt ?? Date.now(),
  };
}

export const range = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);
