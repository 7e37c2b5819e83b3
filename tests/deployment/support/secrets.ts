import { randomBytes } from 'node:crypto';
import { readEnvExample } from './compose_file.ts';

/** A fresh value for every secret that `.env.example` names, as `npm run env` would write them. */
export function freshSecrets(): Record<string, string> {
  const make = (name: string): string =>
    name.endsWith('_KEY') && name !== 'WARREN_SERVER_KEY'
      ? randomBytes(32).toString('base64')
      : randomBytes(24).toString('base64url');
  return Object.fromEntries(readEnvExample().secrets.map((name) => [name, make(name)]));
}
