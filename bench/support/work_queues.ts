import { declareExchanges } from '@warren/rabbit';
import { type TempVhost, tempVhost } from '@warren/testing';
import { type ConfirmChannel, connect } from 'amqplib';
import { REQUEST, WORK_PROPERTIES } from './bench_contract.ts';

/** As rabbitmq_topology.ts has it. */
export const WARREN_QUEUE = 'allocator.commands';
export const RAW_QUEUE = 'bench.raw.work';
const BURST = 1_000;

/** A vhost with the two queues of a measure, and the hand that fills and empties them between windows. */
export class WorkQueues {
  readonly url: string;
  readonly #vhost: TempVhost;
  readonly #channel: ConfirmChannel;
  readonly #close: () => Promise<void>;

  private constructor(vhost: TempVhost, channel: ConfirmChannel, close: () => Promise<void>) {
    this.url = vhost.url;
    this.#vhost = vhost;
    this.#channel = channel;
    this.#close = close;
  }

  static async open(): Promise<WorkQueues> {
    const vhost = await tempVhost();
    await declareExchanges(vhost.url);
    const connection = await connect(vhost.url, { noDelay: true });
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue(RAW_QUEUE, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    return new WorkQueues(vhost, channel, () => connection.close());
  }

  /** The bare library gets what it needs, ours what the outbox relay would send. */
  async fill(queue: typeof WARREN_QUEUE | typeof RAW_QUEUE, messages: number): Promise<void> {
    const body = Buffer.from(JSON.stringify(REQUEST));
    const [exchange, key] = queue === RAW_QUEUE ? ['', queue] : ['warren.commands', 'allocator.do_work'];
    const options = queue === RAW_QUEUE ? { contentType: 'application/json' } : WORK_PROPERTIES;
    for (let sent = 0; sent < messages; sent += BURST) {
      for (let i = 0; i < Math.min(BURST, messages - sent); i++)
        this.#channel.publish(exchange, key, body, { ...options, persistent: true });
      await this.#channel.waitForConfirms();
    }
  }

  async empty(queue: string): Promise<void> {
    await this.#channel.purgeQueue(queue);
  }

  async close(): Promise<void> {
    await this.#close();
    await this.#vhost.drop();
  }
}
