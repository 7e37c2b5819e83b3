import type { Options, Replies } from 'amqplib';
import type { BrokerConfirmChannel, Connect } from '../../src/broker_port.ts';

/** What a test says to the broker past the code under test. */
export interface RawChannel extends BrokerConfirmChannel {
  deleteQueue(name: string): Promise<Replies.DeleteQueue>;
  deleteExchange(name: string): Promise<Replies.Empty>;
  purgeQueue(name: string): Promise<Replies.PurgeQueue>;
  unbindQueue(queue: string, exchange: string, pattern: string): Promise<Replies.Empty>;
  sendToQueue(queue: string, body: Buffer, options?: Options.Publish, confirmed?: (error: unknown) => void): boolean;
}

/** A broker of one test: an own vhost of RabbitMQ, or a twin. */
export interface BrokerUnderTest {
  /** For links: what goes through it can be broken. */
  readonly url: string;
  /** For links; undefined for amqplib's own. */
  readonly connect: Connect | undefined;
  /** `url` with another user, who does not exist. */
  readonly strangersUrl: string;
  /** `url` with a vhost that does not exist. */
  readonly nowhereUrl: string;
  /** A channel on a connection of its own, past the faults; of the user of `url` unless said. */
  raw(url?: string): Promise<RawChannel>;
  /** Breaks the connections of links. */
  cut(): void;
  /** Lets nobody connect, or everybody again. */
  refuse(refused: boolean): Promise<void>;
  close(): Promise<void>;
}

/** A broker that also knows the users of a deployment. */
export interface UsersUnderTest extends BrokerUnderTest {
  /** URLs of the users by their prefix. The first call makes them. */
  users(): Promise<(prefix: string) => string>;
}

/** A broker of its own process, or a twin, that can be stopped and run out of memory. */
export interface ServerUnderTest extends BrokerUnderTest {
  alarm(on: boolean): Promise<void>;
  /** Shut down in order, and up again. */
  restart(): Promise<void>;
  /** Killed once it has written down which queues there are, and up again. */
  crash(): Promise<void>;
}
