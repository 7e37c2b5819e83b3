import { randomUUID } from 'node:crypto';
import { defineContract } from '@warren/contracts';
import { silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { type FaultProxy, faultProxy } from '@warren/testing';
import * as z from 'zod';
import type { Connect } from '../src/broker_port.ts';
import {
  ConfirmedPublisher,
  type Delivery,
  declareExchanges,
  EXCHANGE,
  type LinkRole,
  QueueConsumer,
  type QueueSpec,
  RabbitLink,
  RpcClient,
  RpcReplier,
} from '../src/index.ts';

export const logger = silentLogger();

/** A contract without a service behind it: tests answer it themselves. */
export const ECHO = defineContract({
  name: 'auth.echo',
  summary: 'Returns its text.',
  exposure: 'internal',
  access: { kind: 'service', callers: ['gateway'] },
  dto: z.object({ text: z.string() }),
  reply: z.object({ text: z.string() }),
  errors: {},
  idempotency: 'read',
  deadlineMs: 2_000,
});

export const WORK_QUEUE: QueueSpec = {
  name: 'auth.rpc',
  durable: true,
  exclusive: false,
  autoDelete: false,
  arguments: { 'x-queue-type': 'classic' },
  bindings: [{ exchange: EXCHANGE.rpc, pattern: 'auth.*' }],
};

/** A queue of durable work. */
export const quorumQueue = (name: string, bindings: QueueSpec['bindings'] = []): QueueSpec => ({
  name,
  durable: true,
  exclusive: false,
  autoDelete: false,
  arguments: { 'x-queue-type': 'quorum' },
  bindings,
});

/** A proxy before the broker of the URL. */
export function proxyBefore(url: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(url);
  return faultProxy({ target: { host: hostname, port: Number(port) } });
}

/** What nobody caught, from now on until `stop`. */
export function watchUncaught(): { readonly seen: readonly unknown[]; readonly stop: () => void } {
  const seen: unknown[] = [];
  const note = (error: unknown): void => void seen.push(error);
  process.on('uncaughtExceptionMonitor', note);
  process.on('unhandledRejection', note);
  const stop = (): void => void process.off('uncaughtExceptionMonitor', note).off('unhandledRejection', note);
  return { seen, stop };
}

/** A link with all that may run on it, under way: connection, reply queue, work queue with its consumer, publisher. */
export async function wholeStart(url: string): Promise<WholeStart> {
  const own = new Kit(url);
  const link = own.coldLink('consume');
  const client = own.coldClient(link);
  const publisher = own.publisher(link);
  link.start();
  const [consumer] = await Promise.all([own.consumer(link, WORK_QUEUE, (delivery) => delivery.ack()), client.start()]);
  return { own, link, client, publisher, consumer };
}

export interface WholeStart {
  readonly own: Kit;
  readonly link: RabbitLink;
  readonly client: RpcClient;
  readonly publisher: ConfirmedPublisher;
  readonly consumer: QueueConsumer;
}

/** Everything that a test opens, closed last first. */
export class Kit {
  readonly metrics = new Metrics('test');
  readonly #stack = new AsyncDisposableStack();
  readonly url: string;
  readonly #connect: Connect | undefined;

  constructor(url: string, connect?: Connect) {
    this.url = url;
    this.#connect = connect;
  }

  static async open(url: string, connect?: Connect): Promise<Kit> {
    await declareExchanges(url, connect);
    return new Kit(url, connect);
  }

  async link(role: LinkRole, url: string = this.url, heartbeatSeconds = 5): Promise<RabbitLink> {
    const link = this.coldLink(role, url, heartbeatSeconds);
    link.start();
    await link.ready(10_000);
    return link;
  }

  coldLink(role: LinkRole, url: string = this.url, heartbeatSeconds = 5): RabbitLink {
    const link = new RabbitLink({
      url,
      role,
      name: `warren.test.${role}`,
      logger,
      metrics: this.metrics,
      heartbeatSeconds,
      ...(this.#connect === undefined ? {} : { connect: this.#connect }),
    });
    this.#stack.defer(() => link.stop());
    return link;
  }

  async consumer(
    link: RabbitLink,
    queue: QueueSpec,
    onDelivery: (delivery: Delivery) => void,
    prefetch = 10,
  ): Promise<QueueConsumer> {
    const consumer = new QueueConsumer({
      link,
      queue,
      prefetch,
      declare: true,
      onDelivery,
      logger,
      metrics: this.metrics,
    });
    this.#stack.defer(() => consumer.close());
    await consumer.start();
    return consumer;
  }

  async proxy(url: string = this.url): Promise<FaultProxy> {
    const proxy = await proxyBefore(url);
    this.#stack.defer(() => proxy.close());
    return proxy;
  }

  publisher(link: RabbitLink, window = 256): ConfirmedPublisher {
    const publisher = new ConfirmedPublisher({ link, prefix: 'gateway', logger, metrics: this.metrics, window });
    this.#stack.defer(() => publisher.stop(0));
    return publisher;
  }

  async client(publishLink: RabbitLink): Promise<RpcClient> {
    const client = this.coldClient(publishLink);
    await client.start();
    return client;
  }

  coldClient(publishLink: RabbitLink): RpcClient {
    const instance = randomUUID();
    const client = new RpcClient({
      publishLink,
      user: publishLink.user,
      prefix: 'gateway',
      instance,
      logger,
      metrics: this.metrics,
    });
    this.#stack.defer(() => client.stop());
    return client;
  }

  replier(link: RabbitLink): RpcReplier {
    const replier = new RpcReplier({ link, logger, metrics: this.metrics });
    this.#stack.defer(() => replier.stop());
    return replier;
  }

  defer(close: () => Promise<void> | void): void {
    this.#stack.defer(close);
  }

  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** The value of one series of a counter, as Prometheus would read it. */
  async count(name: string, label: string): Promise<number> {
    const line = (await this.metrics.render())
      .split('\n')
      .find((text) => text.startsWith(`${name}{`) && text.includes(label));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
  }
}

export async function until(condition: () => boolean | Promise<boolean>, ms = 5_000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
