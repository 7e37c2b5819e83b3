import type { AppError, Logger } from '@warren/kernel';
import type { Metrics } from '@warren/telemetry';
import type { Delivery } from './delivery.ts';
import { MAX_BODY_BYTES, MAX_SHORT_BYTES } from './message_limits.ts';
import { raise } from './rabbit_errors.ts';
import type { RabbitLink } from './rabbit_link.ts';
import { RabbitMetrics } from './rabbit_metrics.ts';
import { encodeError, REPLY_ERROR, REPLY_OK } from './rpc_wire.ts';
import { EXCHANGE } from './topology.ts';
import { TransientPublisher } from './transient_publisher.ts';

export interface RpcReplierDeps {
  /** The publish link: on the consume link a full broker would stop the acks too. */
  readonly link: RabbitLink;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export type RpcReply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: AppError };

/** Answers RPC requests. Replies are neither confirmed nor kept: who missed one repeats the call with the same message id. */
export class RpcReplier {
  readonly #user: string;
  readonly #metrics: RabbitMetrics;
  readonly #publisher: TransientPublisher;

  constructor(deps: RpcReplierDeps) {
    this.#user = deps.link.user;
    this.#metrics = new RabbitMetrics(deps.metrics);
    this.#publisher = new TransientPublisher({
      link: deps.link,
      subject: 'RPC replies',
      logger: deps.logger,
      onReturn: () => this.#metrics.replyDrops.add('returned'),
      onLost: () => undefined,
    });
    this.#publisher.start();
  }

  /** Whether a reply would be sent at this moment. */
  get ready(): boolean {
    return this.#publisher.ready;
  }

  /** Writes the reply; the request may be acked afterwards. A reply that cannot be sent is counted and dropped. */
  reply(delivery: Delivery, reply: RpcReply): void {
    const { replyTo, correlationId, userId } = delivery.properties;
    if (replyTo === undefined || correlationId === undefined) {
      this.#metrics.replyDrops.add('no_reply_to');
      return;
    }
    if (!isOwnAddress(replyTo, userId) || correlationId.length > MAX_SHORT_BYTES) {
      this.#metrics.replyDrops.add('forged');
      return;
    }
    const encoded = encode(reply);
    const result = this.#publisher.publish(EXCHANGE.replies, replyTo, encoded.body, {
      mandatory: true,
      persistent: false,
      correlationId,
      type: encoded.type,
      userId: this.#user,
    });
    if (result === 'down') this.#metrics.replyDrops.add('link_down');
    else if (result === 'full') this.#metrics.replyDrops.add('overflow');
  }

  async stop(): Promise<void> {
    await this.#publisher.stop();
  }
}

/** The broker checked `userId`; an address outside of that user's queues would send our reply to a stranger. */
function isOwnAddress(replyTo: string, userId: string | undefined): boolean {
  return (
    userId !== undefined &&
    userId !== '' &&
    replyTo.startsWith(`rpc.${userId}.`) &&
    Buffer.byteLength(replyTo) <= MAX_SHORT_BYTES
  );
}

function encode(reply: RpcReply): { type: string; body: Buffer } {
  if (!reply.ok) return { type: REPLY_ERROR, body: encodeError(reply.error) };
  const body = Buffer.from(JSON.stringify(reply.value ?? null));
  if (body.length <= MAX_BODY_BYTES) return { type: REPLY_OK, body };
  return { type: REPLY_ERROR, body: encodeError(raise('SERVICE_INTERNAL', { message: 'The reply is too large.' })) };
}
