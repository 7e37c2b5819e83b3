import type { ConsumeMessage } from 'amqplib';
import * as z from 'zod';
import type { DeliveryProperties } from '../delivery.ts';
import { HEADER } from '../message_headers.ts';
import { EXCHANGE } from '../topology.ts';

/** One message of a dead letter queue, or of the queue of the unroutable. Nothing in it is trusted but `userId`. */
export interface DeadLetter {
  /** The queue it lies in. */
  readonly queue: string;
  /** Exchange and key that brought it there. */
  readonly exchange: string;
  readonly key: string;
  readonly messageId: string;
  /** `allocator.assign_game`; `''` when nothing says it. */
  readonly command: string;
  /** The queue it came from, as far as somebody says so; whether that is believed decides a replay. `''` when nobody does. */
  readonly source: string;
  /** Why it is here: `defect`, `retries_exhausted` …, or the broker's reason such as `delivery_limit`. */
  readonly reason: string;
  readonly code: string;
  readonly message: string;
  /** Epoch milliseconds; undefined when the letter does not say. */
  readonly parkedAt: number | undefined;
  readonly sentAt: number | undefined;
  /** How often it was put back before. */
  readonly replays: number;
  /** Size of the body before it was cut, when it was. */
  readonly wholeBytes: number | undefined;
  /** What the broker itself wrote when it moved the message; undefined for a copy that a service parked. */
  readonly death: BrokerDeath | undefined;
  readonly properties: DeliveryProperties;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

interface BrokerDeath {
  readonly queue: string;
  readonly reason: string;
  /** Routing key that the message had in that queue. */
  readonly key: string;
}

const MAX_EPOCH_MS = 8.64e15;
const Death = z.object({
  queue: z.string(),
  reason: z.string(),
  'routing-keys': z.array(z.string()).default([]),
});
const UNKNOWN = 'unknown';

/** Never throws: whatever lies in the queue can be looked at. */
export function readDeadLetter(queue: string, message: ConsumeMessage): DeadLetter {
  const properties: DeliveryProperties = message.properties;
  const { headers = {} } = properties;
  const { exchange, routingKey: key } = message.fields;
  const death = deathOf(headers['x-death']);
  return {
    queue,
    exchange,
    key,
    messageId: text(properties.messageId),
    command: text(properties.type ?? death?.key).replace(/@\d+$/, ''),
    source: text(headers[HEADER.sourceQueue]) || text(exchange === EXCHANGE.deliver ? key : death?.queue),
    reason: text(headers[HEADER.reason]) || text(death?.reason) || UNKNOWN,
    code: text(headers[HEADER.errorCode]),
    message: text(headers[HEADER.errorMessage]),
    ...timesOf(properties, headers),
    replays: replaysOf(headers),
    wholeBytes: count(headers[HEADER.bodyBytes]),
    death,
    properties,
    headers,
    body: message.content,
  };
}

const replaysOf = (headers: DeadLetter['headers']): number => count(headers[HEADER.replayed]) ?? 0;

function timesOf(
  { timestamp }: DeliveryProperties,
  headers: DeadLetter['headers'],
): Pick<DeadLetter, 'parkedAt' | 'sentAt'> {
  const publishedAt = timestamp === undefined ? undefined : epochMs(timestamp * 1_000);
  return {
    parkedAt: deathTimeOf(headers['x-death']) ?? publishedAt,
    sentAt: epochMs(headers[HEADER.sentAt]) ?? publishedAt,
  };
}

/** The newest entry, which the broker puts first. Older ones may come from whoever sent the message. */
function newestDeath(header: unknown): unknown {
  return Array.isArray(header) ? header[0] : undefined;
}

function deathOf(header: unknown): BrokerDeath | undefined {
  const parsed = Death.safeParse(newestDeath(header));
  if (!parsed.success) return undefined;
  const { queue, reason } = parsed.data;
  return { queue, reason, key: parsed.data['routing-keys'][0] ?? '' };
}

const DeathTime = z.object({ time: z.object({ value: z.number() }) });

/** amqplib gives a timestamp inside of a header as `{'!': 'timestamp', value}`, in seconds. */
function deathTimeOf(header: unknown): number | undefined {
  const parsed = DeathTime.safeParse(newestDeath(header));
  return parsed.success ? epochMs(parsed.data.time.value * 1_000) : undefined;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function epochMs(value: unknown): number | undefined {
  const ms = count(value);
  return ms !== undefined && ms <= MAX_EPOCH_MS ? ms : undefined;
}
