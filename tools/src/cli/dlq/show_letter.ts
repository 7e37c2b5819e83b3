import type { DeadLetter } from '@warren/rabbit';
import { plain, plainLines } from '../plain_text.ts';
import { maskSecrets, maskSecretsInText } from './mask_secrets.ts';

/** One letter as JSON: whole, but for the secrets in its body. */
export interface ShownLetter {
  readonly queue: string;
  readonly exchange: string;
  readonly key: string;
  readonly messageId: string;
  readonly source: string;
  readonly command: string;
  readonly reason: string;
  readonly code: string;
  readonly message: string;
  readonly parkedAt: string | null;
  readonly sentAt: string | null;
  readonly replays: number;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: number;
  /** JSON as a value, anything else as a string. */
  readonly body: unknown;
}

const isoOf = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());

export function shownLetter(letter: DeadLetter): ShownLetter {
  const { queue, exchange, key, messageId, source, command, reason, code, message, replays } = letter;
  const { headers: _, ...properties } = letter.properties;
  return {
    queue,
    exchange,
    key,
    messageId,
    source,
    command,
    reason,
    code,
    message,
    parkedAt: isoOf(letter.parkedAt),
    sentAt: isoOf(letter.sentAt),
    replays,
    properties: Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined)),
    headers: letter.headers,
    bytes: letter.body.length,
    body: bodyOf(letter.body),
  };
}

/** What is no text is shown with replacement characters, never as raw bytes: secrets could not be found in those. */
function bodyOf(body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return maskSecrets(JSON.parse(text));
  } catch {
    return maskSecretsInText(text);
  }
}

/** The same for people. */
export function letterLines(letter: DeadLetter): string[] {
  const { properties, headers, bytes, body, ...facts } = shownLetter(letter);
  const width = Math.max(...Object.keys(facts).map((name) => name.length)) + 2;
  const known = Object.entries(facts).filter(([, value]) => value !== null && value !== '');
  const text = typeof body === 'string' ? body : JSON.stringify(body, null, 2);
  return [
    ...known.map(([name, value]) => `${name.padEnd(width)}${plain(String(value))}`),
    'properties',
    ...fieldLines(properties),
    'headers',
    ...fieldLines(headers),
    `body, ${bytes} bytes`,
    plainLines(text),
  ];
}

function fieldLines(fields: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields).map(
    ([name, value]) => `  ${plain(name)}: ${plain(typeof value === 'string' ? value : JSON.stringify(value))}`,
  );
}
