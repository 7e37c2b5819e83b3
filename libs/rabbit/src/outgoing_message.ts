import type { Options } from 'amqplib';
import { checkBody, checkExpiration, checkHeaders, checkShort } from './message_limits.ts';

export interface OutgoingMessage {
  readonly exchange: string;
  readonly key: string;
  readonly body: Buffer;
  readonly messageId: string;
  /** `<name>@<version>`. */
  readonly type: string;
  readonly persistent: boolean;
  /** Unroutable messages come back as `returned`. True unless said: an event without subscribers is legal, say false there. */
  readonly mandatory?: boolean;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly correlationId?: string;
  readonly replyTo?: string;
  readonly expirationMs?: number;
}

/** @throws AppError MESSAGE_INVALID */
export function checkMessage(message: OutgoingMessage): void {
  checkShort(message.exchange, 'the exchange');
  checkShort(message.key, 'the routing key');
  checkShort(message.messageId, 'the message id');
  checkShort(message.type, 'the type');
  checkShort(message.correlationId, 'the correlation id');
  checkShort(message.replyTo, 'the reply address');
  checkExpiration(message.expirationMs);
  checkHeaders(message.headers);
  checkBody(message.body);
}

/** The options of amqplib; `userId` is checked by the broker, `appId` says which service sent it. */
export function publishOptions(message: OutgoingMessage, userId: string, appId: string): Options.Publish {
  const options: Options.Publish = {
    mandatory: message.mandatory ?? true,
    persistent: message.persistent,
    contentType: 'application/json',
    messageId: message.messageId,
    type: message.type,
    timestamp: Math.floor(Date.now() / 1_000),
    userId,
    appId,
  };
  if (message.headers !== undefined) options.headers = message.headers;
  if (message.correlationId !== undefined) options.correlationId = message.correlationId;
  if (message.replyTo !== undefined) options.replyTo = message.replyTo;
  if (message.expirationMs !== undefined) options.expiration = String(message.expirationMs);
  return options;
}
