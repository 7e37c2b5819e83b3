import { CONTRACTS, EVENTS } from '@warren/contracts';

const MASK = '***';
const MAX_DEPTH = 64;

/** Every field that any contract or event calls a secret. A letter may name another command than it carries, so all of them count. */
const SECRET_FIELDS: ReadonlySet<string> = new Set(
  [...CONTRACTS, ...EVENTS].flatMap(({ secretFields }) => secretFields),
);

const SECRET_IN_TEXT = new RegExp(
  `("(?:${[...SECRET_FIELDS].join('|')})"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*"?|[^",}\\]\\s]+)`,
  'g',
);

/** A copy in which the value of each secret field, at any depth, is `***`, also in strings that hold JSON. */
export function maskSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskSecretsInText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return MASK;
  if (Array.isArray(value)) return value.map((item) => maskSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      SECRET_FIELDS.has(name) ? MASK : maskSecrets(inner, depth + 1),
    ]),
  );
}

/** The same for what is no JSON, such as a body whose end is missing. */
export function maskSecretsInText(text: string): string {
  return text.replaceAll(SECRET_IN_TEXT, `$1"${MASK}"`);
}
