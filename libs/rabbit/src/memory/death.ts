import type { Clock } from '@warren/kernel';
import type { DeathReason } from './memory_queue.ts';
import type { QueueSettings } from './queue_settings.ts';
import type { StoredMessage } from './stored_message.ts';

interface Death {
  readonly count: number;
  readonly reason: DeathReason;
  readonly queue: string;
  readonly time: { readonly '!': 'timestamp'; readonly value: number };
  readonly exchange: string;
  readonly 'routing-keys': readonly string[];
  readonly 'original-expiration'?: string;
}

/** The letter that a queue sends for a message that died in it: the same message with its history in `x-death`. */
export function deadLetter(
  message: StoredMessage,
  queue: QueueSettings,
  reason: DeathReason,
  clock: Clock,
): StoredMessage {
  const expiration: unknown = message.properties.expiration;
  const death: Death = {
    count: 1,
    reason,
    queue: queue.name,
    time: { '!': 'timestamp', value: Math.floor(clock.now() / 1_000) },
    exchange: message.exchange,
    'routing-keys': [message.key],
    ...(typeof expiration === 'string' ? { 'original-expiration': expiration } : {}),
  };
  const deaths = withDeath(deathsOf(message), death);
  return {
    exchange: queue.deadLetterExchange ?? '',
    key: queue.deadLetterKey ?? message.key,
    // Without this it would expire again in the next queue.
    properties: { ...message.properties, expiration: undefined, headers: headersOf(message, death, deaths) },
    body: message.body,
  };
}

function headersOf(message: StoredMessage, death: Death, deaths: readonly Death[]): Record<string, unknown> {
  const first = {
    'x-first-death-exchange': death.exchange,
    'x-first-death-queue': death.queue,
    'x-first-death-reason': death.reason,
  };
  // The count of a queue is its own: the next one starts anew.
  const { 'x-delivery-count': _, ...headers } = { ...message.properties.headers };
  return { ...first, ...headers, 'x-death': deaths };
}

/** The newest first; a second death of one kind in one queue counts the first one up. */
function withDeath(deaths: readonly Death[], death: Death): readonly Death[] {
  const same = deaths.find(({ queue, reason }) => queue === death.queue && reason === death.reason);
  if (same === undefined) return [death, ...deaths];
  return [{ ...same, count: same.count + 1 }, ...deaths.filter((other) => other !== same)];
}

/**
 * Whether the letter would go round for ever: it was in this queue before, and no consumer had a hand in what has
 * happened to it since. RabbitMQ drops such letters.
 */
export function goesInCircles(letter: StoredMessage, queue: string, reason: DeathReason): boolean {
  if (reason === 'rejected') return false;
  const deaths = deathsOf(letter);
  const last = deaths.findIndex((death) => death.queue === queue);
  return last !== -1 && deaths.slice(0, last + 1).every((death) => death.reason !== 'rejected');
}

function deathsOf(message: StoredMessage): readonly Death[] {
  const value: unknown = message.properties.headers?.['x-death'];
  return Array.isArray(value) ? value.filter(isDeath) : [];
}

function isDeath(value: unknown): value is Death {
  return typeof value === 'object' && value !== null && 'queue' in value && 'reason' in value && 'count' in value;
}
