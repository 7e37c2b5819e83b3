import { type BrokerIdentity, userOf } from '../broker_identity.ts';
import type { BrokerChannel, BrokerConfirmChannel } from '../broker_port.ts';
import { type OpenConnection, openConnection } from '../link_connection.ts';
import { type OutgoingMessage, publishOptions } from '../outgoing_message.ts';
import { channelError, raise, refusalMessage, refusalOf } from '../rabbit_errors.ts';

/** How the broker answered a publish. `unrouted`: no queue has it. */
type PublishAnswer = 'confirmed' | 'unrouted' | 'full';

const OPS = 'ops';
const HEARTBEAT_SECONDS = 10;
const CONNECT_TIMEOUT_MS = 15_000;
const CONFIRM_TIMEOUT_MS = 30_000;

/** One connection of the operator's user, and what is asked and sent on it. */
export class LetterDesk {
  readonly identity: BrokerIdentity;
  readonly #connection: OpenConnection;
  /** For questions: a wrong one closes its channel. */
  #asking: BrokerChannel | undefined;
  #returned = false;

  private constructor(connection: OpenConnection, identity: BrokerIdentity) {
    this.#connection = connection;
    this.identity = identity;
  }

  /** @throws AppError BROKER_ACCESS_REFUSED, SERVICE_UNAVAILABLE */
  static async open(url: string): Promise<LetterDesk> {
    const identity = userOf(url, OPS);
    try {
      const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
      const options = { url, name: 'warren.ops.dead_letters', heartbeatSeconds: HEARTBEAT_SECONDS, signal };
      return new LetterDesk(await openConnection(options), identity);
    } catch (cause) {
      const refusal = refusalOf(cause);
      if (refusal !== undefined)
        throw raise('BROKER_ACCESS_REFUSED', { message: refusalMessage(refusal, identity.user), cause });
      const said = cause instanceof Error ? cause.message : String(cause);
      throw raise('SERVICE_UNAVAILABLE', { message: `The broker cannot be reached: ${said}`, cause });
    }
  }

  /** The broker takes no messages at the moment, because its memory or disk is full. */
  get blocked(): boolean {
    return this.#connection.blocked;
  }

  /** Letters that wait and consumers; undefined when there is no such queue. Needs no rights. */
  async ask(queue: string): Promise<{ readonly ready: number; readonly consumers: number } | undefined> {
    this.#asking ??= await this.channel();
    try {
      const { messageCount, consumerCount } = await this.#asking.checkQueue(queue);
      return { ready: messageCount, consumers: consumerCount };
    } catch (cause) {
      this.#asking = undefined;
      const error = channelError(cause, `queue ${queue}`);
      if (error.code === 'BROKER_TOPOLOGY_MISSING') return undefined;
      throw error;
    }
  }

  /** A confirm channel whose errors do not end the process. */
  async channel(): Promise<BrokerConfirmChannel> {
    const channel = await this.#connection.model.createConfirmChannel();
    channel.on('error', () => undefined);
    channel.on('return', () => {
      this.#returned = true;
    });
    return channel;
  }

  /**
   * Publishes one message and waits for the broker's word; one at a time. Sent on the channel of the letter, so that the ack of the
   * letter before it reaches the broker first.
   * @throws AppError SERVICE_TIMEOUT, SERVICE_LINK_LOST: the message may have been taken
   */
  async publish(channel: BrokerConfirmChannel, message: OutgoingMessage): Promise<PublishAnswer> {
    this.#returned = false;
    const error = await this.#confirmOf(channel, message);
    if (error === undefined) return this.#returned ? 'unrouted' : 'confirmed';
    if (error.message === 'message nacked') return 'full';
    throw raise('SERVICE_LINK_LOST', { cause: error });
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #confirmOf(channel: BrokerConfirmChannel, message: OutgoingMessage): Promise<Error | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Error | undefined>();
    const timer = setTimeout(() => {
      const why = this.blocked ? 'its memory or disk is full' : `it was silent for ${CONFIRM_TIMEOUT_MS / 1_000} s`;
      reject(raise('SERVICE_TIMEOUT', { message: `The broker takes no messages: ${why}.` }));
    }, CONFIRM_TIMEOUT_MS);
    try {
      const options = publishOptions(message, this.identity.user, OPS);
      channel.publish(message.exchange, message.key, message.body, options, (error: unknown) =>
        resolve(error instanceof Error ? error : undefined),
      );
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
