import { Recipient } from '@warren/contracts';
import { type Logger, newId, parseJson } from '@warren/kernel';
import {
  type ConfirmedPublisher,
  type Delivery,
  EXCHANGE,
  nodeQueue,
  nodeQueueSpec,
  QueueConsumer,
  type RabbitLink,
} from '@warren/rabbit';
import type { Metrics } from '@warren/telemetry';
import * as z from 'zod';
import type { Owner } from './event_ring.ts';

const PREFETCH = 256;
/** Hints that wait for the broker at most; a lost hint only delays, until the next sweep. */
const MAX_WAITING_HINTS = 1_000;
const HINT_TIMEOUT_MS = 2_000;
const HINT_TTL_MS = 10_000;
const HINT_TYPE = 'gateway.hint@1';

/** What one gateway tells another. `grown`: the ring has news. `replaced`: a newer connection owns the recipient. */
const Hint = z.object({ kind: z.enum(['grown', 'replaced']), recipient: Recipient, connection_id: z.string().max(64) });
export type Hint = z.output<typeof Hint>;

export interface NodeQueueDeps {
  readonly instance: string;
  readonly consumeLink: RabbitLink;
  readonly publisher: ConfirmedPublisher;
  readonly onHint: (hint: Hint) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** The exclusive queue on which this gateway hears hints, and the way to send hints to others. */
export class NodeQueue {
  readonly #deps: NodeQueueDeps;
  readonly #stopListening: () => void;
  #consumer: QueueConsumer | undefined;
  #linkEpoch: number | undefined;
  #epoch = 0;
  #stopped = false;

  constructor(deps: NodeQueueDeps) {
    this.#deps = deps;
    this.#stopListening = deps.consumeLink.onState((state) => {
      if (state.up) this.#open(state.epoch);
    });
    const { state } = deps.consumeLink;
    if (state.up) this.#open(state.epoch);
  }

  /** Name of the queue at this moment; written into presence, so that others find this gateway. */
  get name(): string {
    return nodeQueue(this.#deps.instance, this.#epoch);
  }

  /** Tells another gateway, or this one, about its recipient. Never waits, never fails: see MAX_WAITING_HINTS. */
  tell(owner: Owner, kind: Hint['kind'], recipient: Recipient): void {
    const hint: Hint = { kind, recipient, connection_id: owner.connectionId };
    if (owner.node === this.name) {
      this.#deps.onHint(hint);
      return;
    }
    const { publisher, logger } = this.#deps;
    if (publisher.waiting > MAX_WAITING_HINTS) return;
    const body = Buffer.from(JSON.stringify(hint));
    const message = {
      exchange: EXCHANGE.push,
      key: owner.node,
      body,
      messageId: newId(),
      type: HINT_TYPE,
      persistent: false,
      expirationMs: HINT_TTL_MS,
    };
    publisher
      .publish(message, { timeoutMs: HINT_TIMEOUT_MS })
      .catch((error: unknown) => logger.warn({ err: error }, 'a hint was not sent'));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    await this.#consumer?.close();
  }

  /** A new name per connection: the broker may hold the exclusive queue of the lost one for a while. */
  #open(linkEpoch: number): void {
    if (this.#stopped || this.#linkEpoch === linkEpoch) return;
    this.#linkEpoch = linkEpoch;
    const { instance, consumeLink, logger, metrics } = this.#deps;
    void this.#consumer?.close();
    const queue = nodeQueueSpec(instance, ++this.#epoch);
    const onDelivery = (delivery: Delivery): void => this.#heard(delivery);
    this.#consumer = new QueueConsumer({
      link: consumeLink,
      queue,
      prefetch: PREFETCH,
      declare: true,
      onDelivery,
      logger,
      metrics,
    });
    this.#consumer
      .start()
      .catch((error: unknown) => logger.warn({ err: error }, 'hints cannot be heard; events arrive with the sweep'));
  }

  #heard(delivery: Delivery): void {
    delivery.ack();
    try {
      this.#deps.onHint(Hint.parse(parseJson(delivery.body)));
    } catch (error) {
      this.#deps.logger.warn({ err: error }, 'a hint could not be understood');
    }
  }
}
