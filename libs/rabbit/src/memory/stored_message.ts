import type { MessageProperties, Options } from 'amqplib';
import { Refusal } from './refusal.ts';

/** A message as the broker keeps it. */
export interface StoredMessage {
  readonly exchange: string;
  readonly key: string;
  readonly properties: MessageProperties;
  readonly body: Buffer;
}

/** A message in a queue. */
export interface Entry {
  readonly message: StoredMessage;
  /** Place in the order of arrival; a message that comes back keeps it. */
  readonly position: number;
  /** Monotonic milliseconds; undefined for a message that does not expire. */
  readonly expiresAt: number | undefined;
  /** How often it came back to the queue without an ack. */
  returns: number;
  redelivered: boolean;
}

export const PERSISTENT = 2;

/** The properties that amqplib would decode on the other side of a wire. */
export function propertiesOf(options: Options.Publish): MessageProperties {
  const { expiration } = options;
  return {
    contentType: options.contentType,
    contentEncoding: options.contentEncoding,
    headers: headersOf(options.headers),
    deliveryMode: deliveryModeOf(options),
    priority: options.priority,
    correlationId: options.correlationId,
    replyTo: options.replyTo,
    expiration: expiration === undefined ? undefined : String(expiration),
    messageId: options.messageId,
    timestamp: options.timestamp,
    type: options.type,
    userId: options.userId,
    appId: options.appId,
    clusterId: undefined,
  };
}

function headersOf(headers: unknown): Record<string, unknown> {
  if (typeof headers !== 'object' || headers === null) return {};
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

function deliveryModeOf({ persistent, deliveryMode }: Options.Publish): number | undefined {
  if (persistent !== undefined) return persistent ? PERSISTENT : 1;
  if (typeof deliveryMode === 'number') return deliveryMode;
  return deliveryMode === true ? PERSISTENT : undefined;
}

/** The message's own time to live in milliseconds, as its sender wrote it. */
export function ttlOf({ properties }: StoredMessage): number | undefined {
  const expiration: unknown = properties.expiration;
  return typeof expiration === 'string' ? Number(expiration) : undefined;
}

/** @throws Refusal 406 for a message in the name of another user, or with a time to live that is no number */
export function checkProperties({ userId, expiration }: MessageProperties, user: string): void {
  if (userId !== undefined && userId !== user)
    throw new Refusal(406, `user_id property set to '${String(userId)}' but authenticated user was '${user}'`);
  if (typeof expiration === 'string' && !/^\d+$/.test(expiration))
    throw new Refusal(406, `invalid expiration '${expiration}'`);
}
