import type { Delivery } from './delivery.ts';
import { HEADER } from './message_headers.ts';
import type { OutgoingMessage } from './outgoing_message.ts';
import { deadQueue, EXCHANGE } from './topology.ts';

/** Header of copies: the broker user of the service that sent the message first. */
export const ORIGIN_HEADER = 'warren-origin-user';

/** Bodies that no publisher of ours would send are kept without their end. */
const MAX_BODY_KEPT = 64 * 1024;
const MAX_BODY_SENT = 256 * 1024;
const MAX_MESSAGE_CHARS = 1_000;
const MAX_HEADER_BYTES = 1_024;
const MAX_ORIGIN_CHARS = 255;
const KEPT_HEADERS = [HEADER.key, 'traceparent', 'warren-actor', 'warren-session', 'warren-roles'];

export type CopyHeaders = Readonly<Record<string, string | number>>;

/**
 * What goes on of a message, to a delay tier or the dead letters. Fits our own limits whatever the original is like: a copy
 * that cannot be published would keep the original for ever.
 */
export function copyOf(
  delivery: Delivery,
  origin: string,
  headers: CopyHeaders,
): Omit<OutgoingMessage, 'exchange' | 'key'> {
  const { properties, body } = delivery;
  const kept: Record<string, string | number> = { ...historyOf(delivery) };
  for (const name of KEPT_HEADERS) {
    const value = properties.headers?.[name];
    if (typeof value === 'string' && Buffer.byteLength(value) <= MAX_HEADER_BYTES) kept[name] = value;
  }
  const whole = body.length <= MAX_BODY_SENT;
  if (!whole) kept['warren-body-bytes'] = body.length;
  const { messageId = '', correlationId, type = delivery.key } = properties;
  return {
    body: whole ? body : body.subarray(0, MAX_BODY_KEPT),
    messageId,
    ...(correlationId === undefined ? {} : { correlationId }),
    type,
    persistent: true,
    headers: { ...kept, ...headers, [ORIGIN_HEADER]: origin.slice(0, MAX_ORIGIN_CHARS) },
  };
}

/** Every copy has a timestamp of its own; how old its effect may be follows from the first sending. */
function historyOf({ properties }: Delivery): CopyHeaders {
  const { timestamp, headers = {} } = properties;
  const history: Record<string, number> = timestamp === undefined ? {} : { [HEADER.sentAt]: timestamp * 1_000 };
  for (const name of [HEADER.sentAt, HEADER.replayed]) {
    const value = headers[name];
    if (typeof value === 'number' && Number.isSafeInteger(value)) history[name] = value;
  }
  return history;
}

/** What somebody who reads the dead letters must know of one. */
export interface DeadLetterNotes {
  /** Service that parks it. */
  readonly prefix: string;
  /** Where it came from and could go back to. */
  readonly queue: string;
  /** Broker user that sent it first. */
  readonly origin: string;
  readonly attempt: number;
  readonly reason: string;
  readonly code: string;
  readonly message: string;
}

/** The dead letter of a message, to be stored with a confirm before the message is acked. */
export function deadLetterOf(delivery: Delivery, notes: DeadLetterNotes): OutgoingMessage {
  const headers = {
    'warren-attempt': notes.attempt,
    'warren-reason': notes.reason,
    'warren-error-code': notes.code,
    'warren-error-message': notes.message.slice(0, MAX_MESSAGE_CHARS),
    'warren-source-queue': notes.queue,
  };
  return { ...copyOf(delivery, notes.origin, headers), exchange: EXCHANGE.dead, key: deadQueue(notes.prefix) };
}
