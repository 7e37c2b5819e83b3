import type { Contract, ReplyOf } from '@warren/contracts';
import { formatTraceparent, newId, silentLogger, startTrace } from '@warren/kernel';
import { type Actor, ConfirmedPublisher, EXCHANGE, RabbitLink, RpcClient, userOf } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import type * as z from 'zod';

const READY_TIMEOUT_MS = 30_000;
const INSTANCE = 'kit';

/** Another service's side of the broker, with that service's user and rights. */
export class ServiceCaller {
  readonly #link: RabbitLink;
  readonly #rpc: RpcClient;
  readonly #publisher: ConfirmedPublisher;

  constructor(url: string, prefix: string) {
    const common = { logger: silentLogger(), metrics: new Metrics(prefix) };
    const link = new RabbitLink({ ...common, url, role: 'publish', name: `${prefix}.kit` });
    this.#link = link;
    const { user } = userOf(url, prefix);
    this.#rpc = new RpcClient({ ...common, publishLink: link, user, prefix, instance: INSTANCE });
    this.#publisher = new ConfirmedPublisher({ ...common, link, prefix });
  }

  async start(): Promise<this> {
    this.#link.start();
    await this.#link.ready(READY_TIMEOUT_MS);
    await this.#rpc.start();
    return this;
  }

  call<C extends Contract>(
    contract: C,
    dto: z.input<C['dto']>,
    options: { readonly actor?: Actor; readonly messageId?: string },
  ): Promise<ReplyOf<C>> {
    return this.#rpc.call(contract, dto, options);
  }

  /** Sends a durable command as the outbox relay would. @throws Error when the broker does not confirm it */
  async send(contract: Contract, dto: unknown, messageId: string = newId()): Promise<void> {
    const outcome = await this.#publisher.publish({
      exchange: EXCHANGE.commands,
      key: contract.name,
      body: Buffer.from(JSON.stringify(dto)),
      messageId,
      type: `${contract.name}@${contract.version}`,
      persistent: true,
      headers: { traceparent: formatTraceparent(startTrace()), 'warren-attempt': 1 },
    });
    if (outcome !== 'confirmed') throw new Error(`${contract.name} was ${outcome}, not confirmed`);
  }

  async stop(): Promise<void> {
    await this.#rpc.stop();
    await this.#link.stop();
  }
}
